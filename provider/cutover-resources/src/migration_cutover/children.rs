//! What each child gets.

use cutover_core::validation::side::{Both, Side};
use pulumi_host::{Child, Error};
use pulumi_value::{Output, PropertyMap, Secret, Value, to_map, to_value};
use serde::Serialize;

use super::args::{MigrationCutoverArgs, MigrationGoal, MigrationValidation, WriterPlacement};
use super::turned;
use crate::data_validation::{FollowMode, ValidationFollow, ValidationMode};
use crate::migration::{Given, SLOT_PLUGIN};
use crate::replication::ReplicationMarkers;
use crate::weighted_shift::{DesiredShift, WeightedShiftArgs};
use crate::writer_switch::{SwitchDrain, SwitchWriter};
use cutover_core::replication::mappings::markers_of;

/// Inputs of a child; what is left out takes the child's default.
#[derive(Debug, Default)]
pub(super) struct Inputs(PropertyMap);

impl Inputs {
    /// Begins with the fields of a struct.
    pub(super) fn of(fields: &impl Serialize) -> Result<Self, Error> {
        let mut inputs = to_map(fields).map_err(Error::bug)?;
        inputs.retain(|_, value| !value.is_null());
        Ok(Self(inputs))
    }

    /// Adds an input.
    pub(super) fn and(mut self, name: &str, value: &impl Serialize) -> Result<Self, Error> {
        let value = to_value(value).map_err(Error::bug)?;
        if !value.is_null() {
            self.0.insert(name.to_owned(), value);
        }
        Ok(self)
    }

    /// Takes an input out.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Returns them.
    pub(super) fn into_map(self) -> PropertyMap {
        self.0
    }
}

impl MigrationCutoverArgs {
    /// The databases and tables.
    pub(super) fn given(&self) -> Given<'_> {
        Given {
            migration: &self.migration,
            control_schema: &self.control_schema,
            sides: Both {
                source: &self.source,
                target: &self.target,
            },
            tables: &self.tables,
            schemas: &self.schemas,
            apply_users: self.apply_users.as_ref(),
            slot_plugin: SLOT_PLUGIN,
        }
    }

    /// Tells whether old and new share the writer.
    pub(super) fn is_shared(&self) -> bool {
        matches!(
            self.placement,
            WriterPlacement::SharedWriter | WriterPlacement::SharedWriterFirst
        )
    }

    fn is_going_back(&self) -> bool {
        self.goal == MigrationGoal::RolledBack
    }

    /// What every child that reaches both databases gets.
    fn place(&self, inputs: Inputs) -> Result<Inputs, Error> {
        inputs
            .and("migration", &self.migration)?
            .and("source", &self.source)?
            .and("target", &self.target)?
            .and("tables", &self.tables)?
            .and("schemas", &self.schemas)?
            .and("controlSchema", &self.control_schema)
    }

    /// The inputs of the replication.
    pub(super) fn replication(&self) -> Result<Inputs, Error> {
        let markers = ReplicationMarkers {
            migration: self.migration.clone(),
            control_schema: self.control_schema.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            tables: self.tables.clone(),
            schemas: self.schemas.clone(),
            apply_users: self.apply_users.clone(),
        };
        let inputs = Inputs::of(&self.replication)?.and("markers", &markers)?;
        if self.is_going_back() {
            // One that is stopped is not loaded anew.
            return inputs.without("allowReload").and("stopped", &true);
        }
        Ok(inputs)
    }

    fn follow(&self, from: Side) -> ValidationFollow {
        ValidationFollow {
            mode: FollowMode::Marker,
            marker_table: Some(format!("{}.{}", self.control_schema, markers_of(from))),
            longest: None,
        }
    }

    fn validation(&self) -> Result<(MigrationValidation, Inputs), Error> {
        let given = self.validation.clone().unwrap_or_default();
        let inputs = Inputs::of(&given)?.without("afterReportFile");
        Ok((given, inputs))
    }

    /// The inputs of the validation before the switch.
    pub(super) fn before(&self) -> Result<Inputs, Error> {
        let (_, inputs) = self.validation()?;
        inputs
            .and("source", &self.source)?
            .and("target", &self.target)?
            .and("tables", &self.tables)?
            .and("schemas", &self.schemas)?
            .and("mode", &ValidationMode::PreMigration)?
            .and("follow", &self.follow(Side::Source))
    }

    /// The inputs of the validation after the switch: rows flow from target to source, so that its source is our target.
    pub(super) fn after(&self) -> Result<Inputs, Error> {
        let (given, inputs) = self.validation()?;
        let place = self.given();
        let schemas = place.schemas(place.databases());
        let tables: Vec<_> = self
            .tables
            .iter()
            .map(|name| schemas.forth_text(name))
            .collect();
        inputs
            .without("reportFile")
            .and("source", &self.target)?
            .and("target", &self.source)?
            .and("tables", &tables)?
            .and("schemas", &schemas.back())?
            .and(
                "excludeTables",
                &turned::names(&given.exclude_tables, &schemas),
            )?
            .and(
                "excludeColumns",
                &turned::keys(&given.exclude_columns, &schemas),
            )?
            .and("keys", &turned::keys(&given.keys, &schemas))?
            .and(
                "checks",
                &given.checks.map(|checks| turned::checks(checks, &schemas)),
            )?
            .and("limits", &given.limits.map(turned::limits))?
            .and("reportFile", &given.after_report_file)?
            // As before the switch, with the sides exchanged: the one that follows is not written to, so that its counters stay
            // behind until a rollback sets them.
            .and("mode", &ValidationMode::PreMigration)?
            .and("follow", &self.follow(Side::Target))
    }

    /// The inputs of the switch. `proof` is what the validation before it has proven, and `shifted` whether traffic is where
    /// it must be first.
    pub(super) fn switch(
        &self,
        proof: Option<Output<Option<Secret<String>>>>,
        shifted: Option<Output<bool>>,
    ) -> Result<Inputs, Error> {
        let given = self.switch.clone().unwrap_or_default();
        let drain = SwitchDrain {
            task_arn: self.replication.task_arn.clone(),
            stop: given.stop_drain.unwrap_or(true),
        };
        let writer = if self.is_going_back() {
            SwitchWriter::Source
        } else {
            SwitchWriter::Target
        };
        let approved = match (given.approved.clone(), shifted) {
            (Some(approved), Some(shifted)) => Some(
                approved
                    .zip(shifted)
                    .map(|(approved, shifted)| approved && shifted),
            ),
            (approved, shifted) => approved.or(shifted),
        };
        let inputs = Inputs::of(&given)?.without("stopDrain").without("check");
        let inputs = self.place(inputs)?.and("applyUsers", &self.apply_users)?;
        let inputs = inputs
            .and("writer", &writer)?
            .and("sharedWriter", &self.is_shared())?
            .and("drain", &drain)?
            .and("approved", &approved.filter(|_| !self.is_going_back()))?;
        self.check(inputs, proof)
    }

    /// The comparison within the pause, by default as the one before it.
    fn check(
        &self,
        inputs: Inputs,
        proof: Option<Output<Option<Secret<String>>>>,
    ) -> Result<Inputs, Error> {
        let own = self.switch.as_ref().and_then(|switch| switch.check.clone());
        let has_own_proof = own.as_ref().is_some_and(|check| check.since.is_some());
        let mut check = if let Some(own) = own {
            Inputs::of(&own)?
        } else {
            let given = self.validation.clone().unwrap_or_default();
            Inputs::default()
                .and("checks", &given.checks)?
                .and("excludeTables", &given.exclude_tables)?
                .and("excludeColumns", &given.exclude_columns)?
                .and("keys", &given.keys)?
                .and("settling", &given.settling)?
                .and("strategy", &given.strategy)?
                .and("keysShown", &given.keys_shown)?
        };
        if let Some(proof) = proof.filter(|_| !has_own_proof) {
            check = check.and("since", &proof)?;
        }
        inputs.and("check", &Value::Map(check.into_map()))
    }

    /// The inputs of the shift; `None` when traffic is somebody else's.
    pub(super) fn shift(&self, policy: Option<&Output<String>>) -> Result<Option<Inputs>, Error> {
        let Some(given) = &self.shift else {
            return Ok(None);
        };
        let desired = if self.is_going_back() {
            DesiredShift::Old
        } else {
            given.desired
        };
        let shift = WeightedShiftArgs {
            desired,
            write_policy: None,
            ..given.clone()
        };
        let inputs = Inputs::of(&shift)?;
        Ok(Some(match policy {
            Some(policy) => inputs.and("writePolicy", policy)?,
            None => inputs,
        }))
    }

    /// The inputs of the finalization.
    pub(super) fn finalization(&self, switch: &Child) -> Result<Inputs, Error> {
        let given = self.finalize.clone().unwrap_or_default();
        let inputs = self.place(Inputs::of(&given)?)?;
        inputs
            .and("since", &switch.output::<Option<String>>("committedAt")?)?
            .and("forwardTaskArn", &self.replication.task_arn)?
            .and(
                "backTaskArn",
                &switch.output::<Option<String>>("backTaskArn")?,
            )
    }
}

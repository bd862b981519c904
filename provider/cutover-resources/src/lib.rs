//! What cutover offers to a Pulumi program, and how that maps to the decisions.
//!
//! Each resource has a folder that reads the same: `args` is what the program passes in, `state` what it gets back,
//! `diff` what a change means, `resource` the operations. Operations turn arguments into a wish, have the driver walk a
//! machine of `cutover-core` through the ports of a [`World`](cutover_driver::World), and turn the outcome into state or an error with advice.
//!
//! Deliberately absent: any call of a cloud SDK, any gRPC status, any decision.

mod code;
mod config;
mod data_validation;
mod error;
mod finalization;
mod migration;
mod migration_cutover;
mod provider;
mod replication;
mod service_roles;
mod weighted_shift;
mod writer_switch;

pub use config::{AssumeRole, Config, Endpoints};
pub use data_validation::{
    DataValidation, DataValidationArgs, DataValidationState, FindingSeverity, FollowMode,
    KeysShown, ValidateData, ValidatedData, ValidatedRules, ValidatedSchema, ValidatedTable,
    ValidationChecks, ValidationConnection, ValidationEngine, ValidationFinding, ValidationFollow,
    ValidationInvariant, ValidationLimits, ValidationMode, ValidationPreset, ValidationProof,
    ValidationReference, ValidationRows, ValidationRule, ValidationSettling, ValidationSideLimits,
    ValidationStrategy, ValidationSums, ValidationTls, ValidationTlsMode, ValidationVerdict,
};
pub use error::Code;
pub use finalization::{Finalization, FinalizationArgs, FinalizationPhase, FinalizationState};
pub use migration::ApplyUsers;
pub use migration_cutover::{
    MigrationCutover, MigrationCutoverArgs, MigrationCutoverOutputs, MigrationFinalize,
    MigrationGoal, MigrationReplication, MigrationSwitch, MigrationValidation, WriterPlacement,
};
pub use provider::{App, provider, schema};
pub use replication::{
    ReplicatedTable, Replication, ReplicationArgs, ReplicationAssessment, ReplicationMarkers,
    ReplicationPhase, ReplicationState,
};
pub use service_roles::{
    DmsServiceRoles, DmsServiceRolesArgs, DmsServiceRolesState, ServiceRole, ServiceRoleStatus,
};
pub use weighted_shift::{
    AdoptRecords, AlarmGate, AlbRouter, DataPriority, DesiredShift, DmsTaskGate, DriftResponse,
    DynamoDbLock, EntryGate, GateDatapoints, GateLag, GateMeasure, GateMetric, GateSeverity,
    GateSide, HealthCheckGuard, MissingData, NoticeSeverity, OnDestroy, OnInterrupt, ParameterGate,
    PaymentGates, PaymentGatesArgs, PaymentGatesResult, PaymentMetrics, PlannedStep, RecordAlias,
    RecordKind, RecordTarget, ReverseReplication, Route53Router, SharedFault, ShiftComparison,
    ShiftControl, ShiftGate, ShiftGuard, ShiftHistoryEntry, ShiftLock, ShiftMode, ShiftNotify,
    ShiftPhase, ShiftRollback, ShiftRollbackReport, ShiftRouter, ShiftSettle, ShiftStep,
    ShiftTargets, ShiftVerdict, ShiftWeights, TaskValidation, WeightedRecord, WeightedShift,
    WeightedShiftArgs, WeightedShiftState, WriteFence, ZeroWeight,
};
pub use writer_switch::{
    OnSwitchDelete, SlotPlugin, SwitchBack, SwitchCheck, SwitchClient, SwitchDrain, SwitchPause,
    SwitchPhase, SwitchSetting, SwitchWriter, WritePolicy, WriterNow, WriterSwitch,
    WriterSwitchArgs, WriterSwitchState,
};

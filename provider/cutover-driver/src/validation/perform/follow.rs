//! Waits for the target by the way in which it follows the source.

use cutover_core::Timestamp;
use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::{Fact, Position};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Follow;

use super::{Got, Validating};

impl Validating<'_> {
    /// Notes how far the source is. Where nothing but time can tell, the position is the moment in milliseconds since
    /// 1970.
    pub(super) async fn note(&self) -> Got<Position> {
        let marker = self.marker();
        match &self.spec.follow {
            Follow::Native | Follow::Marker { .. } => {
                let marker = marker.as_ref().map(|marker| &marker.source);
                let noted = self.at(Side::Source).position(marker).await;
                noted.map_err(|failure| (Side::Source, failure))
            }
            Follow::None | Follow::Delay { .. } => {
                let now = self.clock.now().unix_millis();
                Ok(Position::Marker(u64::try_from(now).unwrap_or(0)))
            }
        }
    }

    /// Tells whether the target has had everything up to a position, and how late it is.
    pub(super) async fn has_passed(&self, position: &Position) -> Got<Fact> {
        let (passed, lag) = match &self.spec.follow {
            Follow::None => (true, None),
            Follow::Delay { longest } => (self.is_past(position, *longest), None),
            Follow::Native | Follow::Marker { .. } => {
                let marker = self.marker();
                let marker = marker.as_ref().map(|marker| &marker.target);
                let target = self.at(Side::Target);
                let passed = target.has_passed(position, marker).await;
                let passed = passed.map_err(|failure| (Side::Target, failure))?;
                // The lag only helps to choose when to look again.
                let lag = if passed {
                    None
                } else {
                    target.load().await.ok().and_then(|load| load.lag)
                };
                (passed, lag)
            }
        };
        Ok(Fact::HasPassed { passed, lag })
    }

    fn is_past(&self, position: &Position, longest: std::time::Duration) -> bool {
        let Position::Marker(millis) = position else {
            return false;
        };
        let noted = Timestamp::from_unix_millis(i64::try_from(*millis).unwrap_or(i64::MAX));
        self.clock.now() >= noted.after(longest)
    }

    /// The marker's table on both sides, where there is one.
    fn marker(&self) -> Option<Both<TableName>> {
        let Follow::Marker { table } = &self.spec.follow else {
            return None;
        };
        let (schema, name) = table.split_once('.').unwrap_or(("", table));
        let renamed = self.spec.scope.schemas.get(schema);
        let target = renamed.map_or(schema, String::as_str);
        let named = |schema: &str| TableName {
            schema: schema.to_owned(),
            name: name.to_owned(),
        };
        Some(Both {
            source: named(schema),
            target: named(target),
        })
    }
}

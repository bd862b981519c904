//! The records of a shift, as they are read: without the program that declares it, from what stands in the zone.

use std::collections::BTreeSet;

use cutover_core::shift::facts::{JournalRead, Live};
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::problem::Code;
use cutover_core::shift::records::{Member, RecordSet, journal_name_of, members, read_journal};
use cutover_core::shift::spec::RecordType;
use cutover_core::weights::share_answered;

use crate::calls::look;
use crate::cli::SideArgs;
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// The types of records that can be shifted.
const TYPES: [RecordType; 3] = [RecordType::A, RecordType::Aaaa, RecordType::Cname];

/// The code of a call that AWS refused.
const REFUSED: Code = Code(5);

/// What stands in a zone about a shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The zone's id.
    pub(crate) zone: String,
    /// The name that was asked for.
    pub(crate) name: String,
    /// Which members belong together; `None` while nobody has said which side is which.
    pub(crate) members: Option<Vec<Member>>,
    /// Every record set under the names that move, and under the journal's.
    pub(crate) sets: Vec<RecordSet>,
    /// The journal.
    pub(crate) journal: JournalRead,
}

/// A name and type that moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'g> {
    pub(crate) name: &'g str,
    pub(crate) kind: RecordType,
    pub(crate) old: Option<&'g RecordSet>,
    pub(crate) new: Option<&'g RecordSet>,
}

impl Slot<'_> {
    pub(crate) fn weights(&self) -> (Option<u16>, Option<u16>) {
        (self.old.and_then(weight), self.new.and_then(weight))
    }
}

/// Reads what stands in a zone about a shift.
pub(crate) async fn fetch(
    here: &Here,
    zone: &str,
    name: &str,
    sides: &SideArgs,
) -> Result<Group, Problem> {
    let names = [name.to_owned(), journal_name_of(name)];
    let sets = fetch_sets(here, zone, &names).await?;
    let mut group = Group::new(zone, name, sides, sets)?;
    // What was read is not read again: Route 53 lets few requests in, and the next may be the way back.
    let further: BTreeSet<String> = group
        .members
        .iter()
        .flatten()
        .map(|member| member.name.clone())
        .filter(|found| !names.contains(found))
        .collect();
    if !further.is_empty() {
        let further: Vec<String> = further.into_iter().collect();
        let sets = fetch_sets(here, zone, &further).await?;
        group.sets.extend(sets);
    }
    Ok(group)
}

async fn fetch_sets(here: &Here, zone: &str, names: &[String]) -> Result<Vec<RecordSet>, Problem> {
    let zones = &here.traffic.zones;
    let refused = match look(here, || zones.fetch_record_sets(zone, names)).await {
        Err(problem) if problem.code == REFUSED => problem,
        other => return other,
    };
    // Asked only then: the way back has no request to spare while all is well.
    match look(here, || zones.fetch_zone(zone)).await {
        Ok(None) => Err(no_such_zone(zone)),
        Ok(Some(_)) | Err(_) => Err(refused),
    }
}

/// Says that there is no such zone.
pub(crate) fn no_such_zone(id: &str) -> Problem {
    Problem::new(181, Exit::Failed, "there is no such hosted zone")
        .at(format!("hosted zone `{id}`"))
        .next("check the id and the account of the credentials")
}

impl Group {
    /// Finds out which members belong together: the journal says so, or a person does.
    pub(crate) fn new(
        zone: &str,
        name: &str,
        sides: &SideArgs,
        sets: Vec<RecordSet>,
    ) -> Result<Self, Problem> {
        let journals = journals(&sets, name);
        let journal = read_journal(&journals);
        let told = journals
            .first()
            .and_then(|set| members(std::slice::from_ref(*set)));
        let named = sides.old.as_ref().zip(sides.new.as_ref());
        let members = match (told, named) {
            (Some(told), Some((old, new)))
                if !told.iter().any(|one| &one.old == old && &one.new == new) =>
            {
                let found: Vec<String> = told
                    .iter()
                    .map(|one| format!("`{}` and `{}`", one.old, one.new))
                    .collect();
                let message = format!("the journal names other sides: {}", found.join(", "));
                return Err(Problem::new(180, Exit::Usage, message)
                    .at(place(zone, name))
                    .next("leave `--old` and `--new` out, or look who wrote the journal"));
            }
            (Some(told), _) => Some(told),
            (None, Some((old, new))) => Some(vec![by_hand(&sets, name, old, new)]),
            (None, None) => None,
        };
        Ok(Self {
            zone: zone.to_owned(),
            name: name.to_owned(),
            members,
            sets,
            journal,
        })
    }

    /// Returns the journal's record set, when there is one and no more.
    pub(crate) fn journal_set(&self) -> Option<&RecordSet> {
        match journals(&self.sets, &self.name).as_slice() {
            [set] => Some(*set),
            _ => None,
        }
    }

    /// Returns which members belong together.
    ///
    /// # Errors
    /// When neither the journal nor a person has said which side is which, or there are no such records.
    pub(crate) fn members(&self) -> Result<&[Member], Problem> {
        let Some(members) = &self.members else {
            let found = self.identifiers();
            let message = "no journal says which side is old and which is new";
            let next = if found.is_empty() {
                "check zone and name: there are no weighted records".to_owned()
            } else {
                format!(
                    "give `--old` and `--new`; set identifiers there: {}",
                    found.join(", ")
                )
            };
            return Err(Problem::new(180, Exit::Usage, message)
                .at(self.place())
                .next(next));
        };
        if self
            .slots()
            .iter()
            .all(|slot| slot.old.is_none() && slot.new.is_none())
        {
            let message = "there are no weighted records of either side";
            let next = match self.identifiers().as_slice() {
                [] => "check zone and name".to_owned(),
                found => format!("set identifiers there: {}", found.join(", ")),
            };
            return Err(Problem::new(182, Exit::Usage, message)
                .at(self.place())
                .next(next));
        }
        Ok(members)
    }

    /// Returns every name and type that moves; none while nobody has said which side is which.
    pub(crate) fn slots(&self) -> Vec<Slot<'_>> {
        let mut slots = Vec::new();
        for member in self.members.iter().flatten() {
            for kind in &member.types {
                let find = |side: &str| {
                    self.sets.iter().find(|set| {
                        set.name == member.name
                            && set.record_type == kind.name()
                            && matches!(&set.routing, Routing::Weighted { set_identifier, .. } if set_identifier == side)
                    })
                };
                slots.push(Slot {
                    name: &member.name,
                    kind: *kind,
                    old: find(&member.old),
                    new: find(&member.new),
                });
            }
        }
        slots
    }

    /// Returns the router as it is; `None` while nobody has said which side is which. Of names and types that differ,
    /// those count that send most to new.
    pub(crate) fn live(&self) -> Option<Live> {
        self.members.as_ref()?;
        let slots = self.slots();
        let weights: Vec<_> = slots.iter().map(Slot::weights).collect();
        let share = |(old, new): &(Option<u16>, Option<u16>)| match (old, new) {
            (Some(old), Some(new)) => share_answered(*old, *new).basis_points(),
            (None, Some(_)) => 10_000,
            (_, None) => 0,
        };
        let zeros = |(old, new): &(Option<u16>, Option<u16>)| (old.unwrap_or(0), new.unwrap_or(0));
        let even = weights.iter().all(|one| {
            weights
                .first()
                .is_some_and(|first| zeros(first) == zeros(one))
        });
        let (old, new) = weights
            .iter()
            .max_by_key(|one| share(one))
            .copied()
            .unwrap_or_default();
        let ttl_seconds = slots
            .iter()
            .flat_map(|slot| [slot.old, slot.new])
            .flatten()
            .filter_map(|set| set.ttl_seconds)
            .max();
        Some(Live {
            old,
            new,
            even,
            intact: true,
            ttl_seconds,
            journal: self.journal.clone(),
            sets: self.sets.clone(),
            groups: Vec::new(),
        })
    }

    /// Says where it is.
    pub(crate) fn place(&self) -> String {
        place(&self.zone, &self.name)
    }

    fn identifiers(&self) -> Vec<String> {
        let found: BTreeSet<String> = self
            .sets
            .iter()
            .filter_map(|set| match &set.routing {
                Routing::Weighted { set_identifier, .. } => Some(format!("`{set_identifier}`")),
                Routing::Simple | Routing::Other { .. } => None,
            })
            .collect();
        found.into_iter().collect()
    }
}

/// Says where a name is.
pub(crate) fn place(zone: &str, name: &str) -> String {
    format!("`{name}` in hosted zone `{zone}`")
}

/// Returns the weight of a record set that has one.
pub(crate) const fn weight(set: &RecordSet) -> Option<u16> {
    match &set.routing {
        Routing::Weighted { weight, .. } => Some(*weight),
        Routing::Simple | Routing::Other { .. } => None,
    }
}

fn journals<'s>(sets: &'s [RecordSet], name: &str) -> Vec<&'s RecordSet> {
    let journal = journal_name_of(name);
    sets.iter()
        .filter(|set| set.name == journal && set.record_type == "TXT")
        .collect()
}

/// The one name that was asked for, with every type that has either side.
fn by_hand(sets: &[RecordSet], name: &str, old: &str, new: &str) -> Member {
    let has = |kind: &RecordType| {
        sets.iter().any(|set| {
            set.name == name
                && set.record_type == kind.name()
                && matches!(&set.routing, Routing::Weighted { set_identifier, .. } if set_identifier == old || set_identifier == new)
        })
    };
    Member {
        name: name.to_owned(),
        types: TYPES.into_iter().filter(has).collect(),
        old: old.to_owned(),
        new: new.to_owned(),
    }
}

//! Carries the plan out, room by room. Each step is one transaction with the note that it was done.

use std::collections::HashMap;

use entity::imported_row::{ActiveModel as Note, Column as NoteColumn, Entity as Notes};
use entity::row_id::RowId;
use entity::{room_basic, room_user, user_basic};
use migration::SchemaManager;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _,
};

use super::free::{free_number, free_username};
use super::ids::Key;
use super::plan::{Plan, PlannedMembership, PlannedPerson, PlannedRoom, Skip, Skipped};
use super::{Import, ImportMode, ImportedPerson, ImportedRoom};
use crate::protocol::event::LeaveReason;
use crate::protocol::ids::UserId;
use crate::protocol::text::Username;
use crate::protocol::time::Timestamp;
use crate::store::db::Writing;
use crate::store::rooms::new_row;
use crate::store::row::{column, name};
use crate::store::users::folded;
use crate::store::{PasswordHash, RoomSettings, Store, StoreError};

/// How many memberships one transaction writes. A server on the same database must not wait long.
const BATCH: usize = 100;
/// Stands for the row that a dry run would have made.
const NOT_MADE: i64 = 0;

pub(super) struct Writer<'a> {
    store: &'a Store,
    mode: ImportMode,
    now: Timestamp,
    /// Rows that were imported before, by their origin.
    known: HashMap<String, i64>,
}

/// The account of a person, as far as memberships need it.
#[derive(Clone)]
struct Person {
    row: i64,
    id: String,
}

impl Person {
    /// Stands for an account that a dry run would have made.
    fn not_made() -> Self {
        Self {
            row: NOT_MADE,
            id: String::new(),
        }
    }
}

fn room_origin(room: &str) -> String {
    format!("imweb/room/{room}")
}

fn person_origin(person: &str) -> String {
    format!("imweb/person/{person}")
}

/// No id has a tab in it.
fn membership_origin(room: &str, person: &str) -> String {
    format!("imweb/stay/{room}\t{person}")
}

impl<'a> Writer<'a> {
    pub(super) async fn new(
        store: &'a Store,
        mode: ImportMode,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        // A dry run changes nothing, so the schema may be an older one.
        let has_notes = SchemaManager::new(store.db.pool())
            .has_table("imported_row")
            .await?;
        let notes = if has_notes {
            let ours = Notes::find().filter(NoteColumn::Origin.starts_with("imweb/"));
            ours.all(&store.db).await?
        } else {
            Vec::new()
        };
        Ok(Self {
            store,
            mode,
            now,
            known: notes
                .into_iter()
                .map(|note| (note.origin, note.row_id))
                .collect(),
        })
    }

    pub(super) async fn write(mut self, plan: Plan, import: &mut Import) -> Result<(), StoreError> {
        import.skipped = plan.skipped;
        self.count_known(&plan.rooms, &plan.people, import);
        for room in &plan.rooms {
            let waiting: Vec<&PlannedMembership> = room
                .memberships
                .iter()
                .filter(|membership| !self.knows_membership(room, membership))
                .collect();
            let Some(row) = self.write_room(room, &plan.people, import).await? else {
                let detail = format!("the room of the meeting {} was deleted here", room.meeting);
                let skipped = waiting.into_iter();
                let skipped =
                    skipped.map(|membership| deleted_here(&plan.people, membership, &detail));
                import.skipped.extend(skipped);
                continue;
            };
            for batch in waiting.chunks(BATCH) {
                self.write_memberships(room, row, batch, &plan.people, import)
                    .await?;
            }
        }
        Ok(())
    }

    fn knows_membership(&self, room: &PlannedRoom, membership: &PlannedMembership) -> bool {
        self.known
            .contains_key(&membership_origin(&room.key, &membership.person))
    }

    /// Counts what is here already.
    fn count_known(
        &self,
        rooms: &[PlannedRoom],
        people: &HashMap<Key, PlannedPerson>,
        import: &mut Import,
    ) {
        let is_known = |origin: String| self.known.contains_key(&origin);
        let known = people.keys().filter(|key| is_known(person_origin(key)));
        import.already.people = known.count();
        for room in rooms {
            import.already.rooms += usize::from(is_known(room_origin(&room.key)));
            let known = room
                .memberships
                .iter()
                .filter(|membership| self.knows_membership(room, membership));
            import.already.joined += known.count();
        }
    }

    /// The row of the room. It is made if it does not exist, except in a dry run. None if it was deleted here.
    async fn write_room(
        &mut self,
        room: &PlannedRoom,
        people: &HashMap<Key, PlannedPerson>,
        import: &mut Import,
    ) -> Result<Option<i64>, StoreError> {
        if let Some(row) = self.known.get(&room_origin(&room.key)).copied() {
            let living = room_basic::Entity::find()
                .filter(room_basic::Column::Id.eq(row))
                .filter(room_basic::Column::DeletedAt.is_null());
            return Ok((living.count(&self.store.db).await? > 0).then_some(row));
        }
        let written = match self.mode {
            ImportMode::DryRun => self.make_room(None, room, people).await?,
            ImportMode::Apply => {
                let db = &self.store.db;
                let make = db
                    .write_many(async |writing| self.make_room(Some(writing), room, people).await);
                make.await?
            }
        };
        let Some((made, step)) = written else {
            let detail = "its creator's account was deleted here".to_owned();
            import.skipped.push(Skipped {
                table: "imweb_login",
                row: owner_id(room, people),
                reason: Skip::DeletedHere,
                detail,
            });
            return Ok(None);
        };
        self.keep(step, import);
        import.taken.rooms += 1;
        let row = made.as_ref().map_or(0, |made| made.id.0);
        let (identity, number) = made.map(|made| (made.identity, made.number)).unzip();
        import.rooms.push(ImportedRoom {
            meeting: room.meeting.clone(),
            name: room.name.clone(),
            identity: identity.and_then(|identity| identity.try_into().ok()),
            number: number.flatten(),
            owner: owner_id(room, people),
        });
        Ok(Some(row))
    }

    /// The row of the room, unless this is a dry run, and what else was done. None if its owner was deleted here.
    async fn make_room(
        &self,
        writing: Option<&Writing>,
        room: &PlannedRoom,
        people: &HashMap<Key, PlannedPerson>,
    ) -> Result<Option<(Option<room_basic::Model>, Step)>, StoreError> {
        let mut step = Step::default();
        let owner = self.person(writing, &room.owner, people, &mut step).await?;
        let Some(owner) = owner else {
            return Ok(None);
        };
        let Some(writing) = writing else {
            return Ok(Some((None, step)));
        };
        let settings = RoomSettings::new(room.name.clone());
        let number = free_number(writing).await?;
        let row = new_row(&settings, owner.row, number, room.created_at)?;
        let made = row.insert(writing).await?;
        self.note(writing, room_origin(&room.key), made.id.0, &mut step)
            .await?;
        Ok(Some((Some(made), step)))
    }

    async fn write_memberships(
        &mut self,
        room: &PlannedRoom,
        room_row: i64,
        memberships: &[&PlannedMembership],
        people: &HashMap<Key, PlannedPerson>,
        import: &mut Import,
    ) -> Result<(), StoreError> {
        let make = async |writing: Option<&Writing>| {
            self.make_memberships(writing, room, room_row, memberships, people)
                .await
        };
        let step = match self.mode {
            ImportMode::DryRun => make(None).await?,
            ImportMode::Apply => {
                let write = self
                    .store
                    .db
                    .write_many(async |writing| make(Some(writing)).await);
                write.await?
            }
        };
        self.keep(step, import);
        Ok(())
    }

    async fn make_memberships(
        &self,
        writing: Option<&Writing>,
        room: &PlannedRoom,
        room_row: i64,
        memberships: &[&PlannedMembership],
        people: &HashMap<Key, PlannedPerson>,
    ) -> Result<Step, StoreError> {
        let mut step = Step::default();
        for membership in memberships {
            let person = self.person(writing, &membership.person, people, &mut step);
            let Some(person) = person.await? else {
                let detail = "the person's account was deleted here";
                step.skipped.push(deleted_here(people, membership, detail));
                continue;
            };
            step.joined += 1;
            let Some(writing) = writing else {
                continue;
            };
            let made = new_membership(room_row, membership, person)?
                .insert(writing)
                .await?;
            let origin = membership_origin(&room.key, &membership.person);
            self.note(writing, origin, made.id.0, &mut step).await?;
        }
        Ok(step)
    }

    /// The account of the person. It is made if it does not exist, except in a dry run. None if it was deleted here.
    async fn person(
        &self,
        writing: Option<&Writing>,
        key: &Key,
        people: &HashMap<Key, PlannedPerson>,
        step: &mut Step,
    ) -> Result<Option<Person>, StoreError> {
        use user_basic::{Column, Entity};
        let origin = person_origin(key);
        let known = self.known.get(&origin).or(step.notes.get(&origin)).copied();
        if let Some(row) = known {
            let found = Entity::find().filter(super::super::users::alive().and(Column::Id.eq(row)));
            let found = match writing {
                Some(writing) => found.one(writing).await?,
                None if row == NOT_MADE => return Ok(Some(Person::not_made())),
                None => found.one(&self.store.db).await?,
            };
            return Ok(found.map(|user| Person {
                row,
                id: user.identity,
            }));
        }
        let Some(person) = people.get(key) else {
            return Ok(None);
        };
        let Some(writing) = writing else {
            step.notes.insert(origin, NOT_MADE);
            step.people.push(imported(person, None));
            return Ok(Some(Person::not_made()));
        };
        let username = free_username(writing, &person.id).await?;
        let row = user_basic::ActiveModel {
            created_at: Set(Some(column(person.since))),
            updated_at: Set(Some(column(self.now))),
            username_key: Set(folded(username.as_str())),
            username: Set(username.as_str().to_owned()),
            identity: Set(UserId::random().as_str().to_owned()),
            display_name: Set(person.display_name.as_str().to_owned()),
            password: Set(PasswordHash::unset().reveal().to_owned()),
            password_legacy: Set(false),
            ..Default::default()
        };
        let made = row.insert(writing).await?;
        self.note(writing, origin, made.id.0, step).await?;
        step.people.push(imported(person, Some(username)));
        Ok(Some(Person {
            row: made.id.0,
            id: made.identity,
        }))
    }

    /// Notes in the same transaction that this row was imported.
    async fn note(
        &self,
        writing: &Writing,
        origin: String,
        row: i64,
        step: &mut Step,
    ) -> Result<(), StoreError> {
        let note = Note {
            origin: Set(origin.clone()),
            row_id: Set(row),
            created_at: Set(column(self.now)),
            ..Default::default()
        };
        note.insert(writing).await?;
        step.notes.insert(origin, row);
        Ok(())
    }

    /// Counts the work of a transaction once it is committed.
    fn keep(&mut self, step: Step, import: &mut Import) {
        self.known.extend(step.notes);
        import.taken.people += step.people.len();
        import.taken.joined += step.joined;
        import.people.extend(step.people);
        import.skipped.extend(step.skipped);
    }
}

/// The work of one transaction.
#[derive(Default)]
struct Step {
    notes: HashMap<String, i64>,
    people: Vec<ImportedPerson>,
    skipped: Vec<Skipped>,
    joined: usize,
}

fn imported(person: &PlannedPerson, username: Option<Username>) -> ImportedPerson {
    ImportedPerson {
        person: person.id.clone(),
        username,
        display_name: person.display_name.clone(),
    }
}

fn owner_id(room: &PlannedRoom, people: &HashMap<Key, PlannedPerson>) -> String {
    let owner = people.get(&room.owner);
    owner.map_or_else(|| room.owner.clone(), |owner| owner.id.clone())
}

fn deleted_here(
    people: &HashMap<Key, PlannedPerson>,
    membership: &PlannedMembership,
    detail: &str,
) -> Skipped {
    let person = people.get(&membership.person);
    Skipped {
        table: "imweb_join",
        row: person.map_or_else(|| membership.person.clone(), |person| person.id.clone()),
        reason: Skip::DeletedHere,
        detail: detail.to_owned(),
    }
}

/// The row of a membership. It ends when it begins.
fn new_membership(
    room: i64,
    membership: &PlannedMembership,
    person: Person,
) -> Result<room_user::ActiveModel, StoreError> {
    let joined = Some(column(membership.joined_at));
    Ok(room_user::ActiveModel {
        created_at: Set(joined),
        updated_at: Set(joined),
        rid: Set(RowId(room)),
        uid: Set(RowId(person.row)),
        user_identity: Set(person.id),
        display_name: Set(membership.display_name.as_str().to_owned()),
        role: Set(name(&membership.role)?),
        joined_at: Set(joined),
        left_at: Set(joined),
        leave_reason: Set(Some(name(&LeaveReason::Lost)?)),
        ..Default::default()
    })
}

//! The routes of the port of the page.

use std::sync::Arc;

use axum::Router;

use super::limits;
use crate::config::{LegacyApi, PublicUrl};
use crate::http::{
    self, Calendars, Capacity, CheckReports, Gate, Health, HealthProbe, HttpState, NoCalendar,
    Page, Parts, RoomProbe, SessionRunner,
};
use crate::legacy;
use crate::media::Media;
use crate::rooms::Registry;
use crate::sessions::{self, Live, Services};
use crate::store::{Ailment, Store};
use crate::ws;

/// Every route. `further` holds those beside the server's own.
pub(super) fn router(
    services: &Services,
    media: &Media,
    gate: Gate,
    public_url: Option<PublicUrl>,
    further: Router,
) -> Router {
    let (store, registry) = (services.store(), services.registry());
    let path = public_url.as_ref().map(|url| url.path.clone());
    let state = HttpState {
        gate,
        session: session_runner(services.clone()),
        health: health_probe(store.clone(), registry.clone(), media.clone()),
        rooms: room_probe(store.clone(), registry.clone()),
        page: Page::new(path.unwrap_or_default()),
        public_url,
        plain: limits::plain(services),
        calendars: Calendars::default(),
        check_reports: CheckReports::default(),
    };
    http::router(state, further)
}

/// The routes of the older Meeting, if they are served.
pub(super) fn further(legacy_api: LegacyApi, gate: &Gate, services: &Services) -> Router {
    match legacy_api {
        LegacyApi::Off => Router::new(),
        LegacyApi::On => legacy::router(gate.clone(), services.clone()),
    }
}

/// Each open socket has a session of its own.
fn session_runner(services: Services) -> SessionRunner {
    Arc::new(move |socket, peer| {
        let session = Live::open(peer.network(), services.clone());
        Box::pin(ws::run(socket, session))
    })
}

fn health_probe(store: Store, registry: Registry, media: Media) -> HealthProbe {
    Arc::new(move || {
        let seats = media.seats();
        let (store, registry, media) = (store.clone(), registry.clone(), media.is_well());
        Box::pin(async move {
            let live = registry.live();
            let ailment = store.ailment().await;
            let parts = Parts {
                database: ailment.map(Ailment::sentence),
                media: (!media.await).then_some("A media thread does not answer."),
            };
            let capacity = Capacity {
                seats: seats.free,
                steps_down: seats.steps_down,
            };
            Health::new(parts, live.rooms, live.participants, capacity)
        })
    })
}

fn room_probe(store: Store, registry: Registry) -> RoomProbe {
    Arc::new(move |identity| {
        let (store, registry) = (store.clone(), registry.clone());
        Box::pin(async move {
            let found = sessions::find_room(&store, &registry, &identity).await;
            found.map_err(|_| NoCalendar::Busy)
        })
    })
}

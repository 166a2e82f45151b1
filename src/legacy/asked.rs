//! One plain request: it is read completely, then answered by a visit that ends even if the client does not wait.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Query, Request};
use axum::http::Uri;
use serde::de::DeserializeOwned;

use super::envelope::Envelope;
use super::{Legacy, token};
use crate::http::PeerInfo;
use crate::http::peer::RemoteAddress;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::request::{AuthToken, decode_data};
use crate::sessions::{Visit, too_fast};

/// The deadline for receiving a body.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// A request, and a visit to carry it out.
pub struct Asked {
    /// Nobody yet, until [`Asked::known`].
    pub visit: Visit,
    token: Option<String>,
    uri: Uri,
    body: Bytes,
}

impl FromRequest<Legacy> for Asked {
    type Rejection = Envelope;

    async fn from_request(request: Request, legacy: &Legacy) -> Result<Self, Envelope> {
        let (head, body) = request.into_parts();
        let Some(remote) = head.extensions.get::<RemoteAddress>() else {
            return Err(WireError::from(ErrorCode::ServerInternal).into());
        };
        let proxies = &legacy.gate.access.trusted_proxies;
        let network = PeerInfo::find(*remote, &head.headers, proxies).network();
        let services = legacy.services.clone();
        let allowed = legacy.gate.traffic.look_up(network);
        allowed.map_err(|refusal| too_fast(refusal.0))?;
        Ok(Self {
            visit: Visit::new(services, network),
            token: token::of_request(&head.headers),
            uri: head.uri,
            body: read(body, legacy.gate.message_bytes).await?,
        })
    }
}

async fn read(body: Body, most_bytes: usize) -> Result<Bytes, WireError> {
    let sentence = match tokio::time::timeout(BODY_DEADLINE, axum::body::to_bytes(body, most_bytes))
        .await
    {
        Ok(Ok(body)) => return Ok(body),
        Ok(Err(_)) => format!("The body did not come whole, or has more than {most_bytes} bytes."),
        Err(_) => "The body took too long to come.".to_owned(),
    };
    Err(WireError::with_message(ErrorCode::BadJson, sentence))
}

impl Asked {
    /// The request of an authenticated person.
    ///
    /// # Errors
    /// As `auth.token`.
    pub async fn known(mut self) -> Result<Self, WireError> {
        let token = self.token.take().ok_or(ErrorCode::AuthRequired)?;
        self.visit.token(AuthToken { token }).await?;
        Ok(self)
    }

    /// Whether there is a body.
    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The body, read as JSON with any `Content-Type`, as in the older program.
    ///
    /// # Errors
    /// Which field cannot be used, and why.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, WireError> {
        let no_object = || {
            WireError::with_message(
                ErrorCode::BadJson,
                "The body is not a JSON object in UTF-8.",
            )
        };
        let text = std::str::from_utf8(&self.body).map_err(|_| no_object())?;
        if serde_json::from_str::<serde_json::Map<_, _>>(text).is_err() {
            return Err(no_object());
        }
        decode_data(text)
    }

    /// The query of the address.
    ///
    /// # Errors
    /// Which field cannot be used, and why.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, WireError> {
        let query = Query::try_from_uri(&self.uri);
        query.map(|Query(query)| query).map_err(|error| {
            let whole = error.body_text();
            let sentence = whole.strip_prefix("Failed to deserialize query string: ");
            WireError::with_message(ErrorCode::BadField, sentence.unwrap_or(&whole))
        })
    }
}

/// Carries a request out in a task of its own, so that it is finished even if the client leaves.
pub async fn answer(
    work: impl Future<Output = Result<Envelope, WireError>> + Send + 'static,
) -> Envelope {
    match tokio::spawn(work).await {
        Ok(Ok(envelope)) => envelope,
        Ok(Err(error)) => error.into(),
        // The task panicked, which was logged, or the server goes down.
        Err(_) => WireError::from(ErrorCode::ServerInternal).into(),
    }
}

//! Gathers observations from this machine. Each one is bounded in time. A failed one is reported and stops no other.

mod machine;
mod media;
mod stun;
mod tls;
mod turn;
mod web;
mod wire;

use super::Questions;
use super::seen::Seen;
use crate::config::Config;

/// Looks at this machine, then at the server on it, then at the way to it from outside.
pub(super) async fn everything(config: &Config, questions: &Questions) -> Seen {
    let mut seen = Seen {
        settings: machine::settings(config),
        folder: machine::folder(config),
        database: machine::database(config).await,
        clock: machine::clock(config),
        kernel: machine::kernel(config),
        ports: machine::ports(config),
        tls: tls::on_disk(config),
        code: questions.code.clone(),
        ..Seen::default()
    };
    let here = web::Server::here(config);
    if let Some((answer, shown)) = here.health().await {
        seen.server = Some(answer);
        if let Some(tls) = &mut seen.tls {
            tls::running(tls, config, shown).await;
        }
        seen.media = media::ways(&here, config).await;
        if let Some(code) = &questions.code {
            seen.page = here.verdict(code).await;
        }
    } else {
        seen.media.not_asked = Some("no server runs here".to_owned());
    }
    if let Some(url) = &config.listen.public_url {
        seen.name = web::name(config, url).await;
        let (public, ahead) = web::public(url, questions.patient).await;
        seen.public = Some(public);
        seen.clock.public_ahead_ms = ahead;
    }
    seen
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Given, Key};

    /// What holds with these settings and no others.
    pub fn config(given: &[(Key, &str)]) -> Config {
        let given = given
            .iter()
            .map(|(key, value)| (*key, vec![(*value).to_owned()]));
        Config::load(Given::from_iter(given), |_| None).unwrap()
    }
}

//! The addresses that clients send media to: fixed ones, and those of names, which are looked up again and again.

use std::net::IpAddr;
use std::time::Duration;

use crate::cli::Failure;
use crate::config::{HostName, MediaAddress, can_be_sent_to};
use crate::media::Media;

/// How often names are looked up: the usual life (TTL) of dynamic DNS records.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(60);
/// How long a look-up may take.
const LOOK_UP_DEADLINE: Duration = Duration::from_secs(10);

/// Where clients send media to.
#[derive(Clone)]
pub(super) struct MediaAddresses {
    /// As configured.
    pub(super) given: Vec<MediaAddress>,
    /// The result at the start.
    pub(super) known: Vec<IpAddr>,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAddress {
    /// The name is unknown, or the name server could not be asked.
    #[error(transparent)]
    LookUp(#[from] std::io::Error),
    /// It has no address that can be sent to.
    #[error("it has no address that browsers can send to")]
    None,
    /// No answer came.
    #[error("no answer came")]
    TooLate,
}

/// All addresses, including those of names, in the given order.
///
/// # Errors
/// The first name that gave none.
pub(super) async fn all(given: &[MediaAddress]) -> Result<Vec<IpAddr>, Failure> {
    resolve(given, look_up).await.map_err(|(name, why)| {
        let what = format!("cannot find the media address {}", name.as_str());
        Failure::because(what, &why)
    })
}

/// Looks the names up again and again, and tells `media` about changes. Ends at once if there are no names.
pub(super) async fn watch(addresses: MediaAddresses, media: Media) {
    let MediaAddresses { given, mut known } = addresses;
    let has_names = given
        .iter()
        .any(|address| matches!(address, MediaAddress::Name(_)));
    if !has_names {
        return;
    }
    let mut was_found = true;
    loop {
        tokio::time::sleep(LOOK_UP_INTERVAL).await;
        match resolve(&given, look_up).await {
            Ok(found) => {
                was_found = true;
                if found != known {
                    tracing::info!(
                        "the media name has other addresses; new connections are told of them"
                    );
                    media.announce(&found);
                    known = found;
                }
            }
            // The last addresses stay. This is logged once, not each minute.
            Err((name, why)) if was_found => {
                was_found = false;
                let error = &why as &dyn std::error::Error;
                tracing::warn!(
                    name = name.as_str(),
                    error,
                    "the media name was not found; its last addresses stay"
                );
            }
            Err(_) => {}
        }
    }
}

async fn resolve(
    given: &[MediaAddress],
    look_up: impl AsyncFn(&HostName) -> Result<Vec<IpAddr>, NoAddress>,
) -> Result<Vec<IpAddr>, (HostName, NoAddress)> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in given {
        let more = match address {
            MediaAddress::Ip(address) => vec![*address],
            MediaAddress::Name(name) => {
                let mut all = look_up(name).await.map_err(|why| (name.clone(), why))?;
                all.retain(|address| can_be_sent_to(*address));
                if all.is_empty() {
                    return Err((name.clone(), NoAddress::None));
                }
                // Name servers rotate their answers, so their order means nothing.
                all.sort();
                all
            }
        };
        for address in more {
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    Ok(found)
}

async fn look_up(name: &HostName) -> Result<Vec<IpAddr>, NoAddress> {
    let asking = tokio::net::lookup_host((name.as_str(), 0));
    let found = tokio::time::timeout(LOOK_UP_DEADLINE, asking).await;
    let found = found.map_err(|_| NoAddress::TooLate)??;
    Ok(found.map(|address| address.ip().to_canonical()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Given, Key};

    fn given(values: &[&str]) -> Vec<MediaAddress> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let given = Given::from([(Key::MediaIp, values)]);
        Config::load(given, |_| None).unwrap().media.addresses
    }

    fn addresses(values: &[&str]) -> Vec<IpAddr> {
        values.iter().map(|value| value.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_names_addresses_stand_in_its_place_once_and_in_order() {
        let given = given(&["192.0.2.9", "Meet.Example.org", "192.0.2.1"]);
        let look_up = async |name: &HostName| {
            assert_eq!(name.as_str(), "meet.example.org");
            Ok(addresses(&[
                "2001:db8::1",
                "192.0.2.9",
                "192.0.2.2",
                "0.0.0.0",
            ]))
        };
        let found = resolve(&given, look_up).await.map_err(|_| ()).unwrap();
        assert_eq!(
            found,
            addresses(&["192.0.2.9", "192.0.2.2", "2001:db8::1", "192.0.2.1"])
        );
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_named() {
        let given = given(&["192.0.2.9", "meet.example.org"]);
        for answer in [&[][..], &["0.0.0.0", "ff02::1"]] {
            let look_up = async |_: &HostName| Ok(addresses(answer));
            let (name, _) = resolve(&given, look_up).await.unwrap_err();
            assert_eq!(name.as_str(), "meet.example.org");
        }
    }

    #[tokio::test]
    async fn this_machines_own_name_is_found_by_the_system() {
        let found = all(&given(&["localhost"])).await;
        let found = found.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback));
        let nobody = all(&given(&["nobody.invalid"])).await.err().unwrap();
        assert!(nobody.to_string().contains("nobody.invalid"), "{nobody}");
    }
}

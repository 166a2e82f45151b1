//! The addresses that clients send media to: fixed ones, those of names, which are looked up again and again, and, where
//! none are given, those of this machine's interfaces, which come and go.

use std::net::IpAddr;
use std::time::Duration;

use crate::cli::Failure;
use crate::config::{HostName, MediaAddress, can_be_sent_to, default_media_addresses};
use crate::media::{Media, MediaIp};
use crate::network::interfaces::own_addresses;
use crate::network::is_here;

/// How often names are looked up: the usual life (TTL) of dynamic DNS records.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(60);
/// How long a look-up may take.
const LOOK_UP_DEADLINE: Duration = Duration::from_secs(10);

/// How often the interfaces are looked at. It takes the kernel some 100 µs.
const OWN_INTERVAL: Duration = Duration::from_secs(5);

/// Where clients send media to.
#[derive(Clone)]
pub(super) struct MediaAddresses {
    /// As configured.
    pub(super) given: Vec<MediaAddress>,
    /// The address of the page, if none are configured and the addresses of the interfaces are used.
    pub(super) listen: Option<IpAddr>,
    /// The result at the start.
    pub(super) known: Vec<MediaIp>,
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
/// The first name that gave none, or the first private address that is none of this machine's.
pub(super) async fn all(given: &[MediaAddress]) -> Result<Vec<MediaIp>, Failure> {
    let is_elsewhere = |pair: &&MediaAddress| pair.private().is_some_and(|own| !is_here(own));
    if let Some(pair) = given.iter().find(is_elsewhere) {
        return Err(Failure::new(format!(
            "cannot use the media address {pair}: what stands behind the slash is none of this machine's addresses"
        )));
    }
    resolve(given, look_up).await.map_err(|(name, why)| {
        let what = format!("cannot find the media address {}", name.as_str());
        Failure::because(what, &why)
    })
}

/// Looks again and again which addresses there are, and tells `media` about changes. Ends at once if there is nothing that
/// can change.
pub(super) async fn watch(addresses: MediaAddresses, media: Media) {
    match addresses.listen {
        Some(listen) => {
            let own = || default_media_addresses(listen, &own_addresses());
            follow_interfaces(own, addresses.known, &media).await;
        }
        None => watch_names(addresses, media).await,
    }
}

/// Follows the addresses of this machine.
async fn follow_interfaces(own: impl Fn() -> Vec<IpAddr>, mut known: Vec<MediaIp>, media: &Media) {
    loop {
        tokio::time::sleep(OWN_INTERVAL).await;
        let found: Vec<MediaIp> = own().into_iter().map(MediaIp::from).collect();
        if found != known {
            tracing::info!(
                addresses = found.len(),
                "this machine has other addresses; new connections are told of them"
            );
            media.announce(&found);
            known = found;
        }
    }
}

async fn watch_names(addresses: MediaAddresses, media: Media) {
    let MediaAddresses { given, known, .. } = addresses;
    let has_names = given
        .iter()
        .any(|address| matches!(address, MediaAddress::Name(_)));
    if has_names {
        let again = || resolve(&given, look_up);
        follow_names(known, again, move |found| media.announce(found)).await;
    }
}

/// What is found for each of the names, or the first name that has nothing.
type Found = Result<Vec<MediaIp>, (HostName, NoAddress)>;

/// Looks the names up `again` each minute, and announces what has changed.
async fn follow_names<F: Future<Output = Found>>(
    mut known: Vec<MediaIp>,
    again: impl Fn() -> F,
    announce: impl Fn(&[MediaIp]),
) {
    let mut was_found = true;
    loop {
        tokio::time::sleep(LOOK_UP_INTERVAL).await;
        match again().await {
            Ok(found) => {
                was_found = true;
                if found != known {
                    tracing::info!(
                        "the media name has other addresses; new connections are told of them"
                    );
                    announce(&found);
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
) -> Found {
    let mut found: Vec<MediaIp> = Vec::new();
    for address in given {
        let private = address.private();
        let more = match address {
            MediaAddress::Ip(public) | MediaAddress::Pair { public, .. } => vec![*public],
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
        for public in more {
            match found.iter_mut().find(|known| known.public == public) {
                // A name may have the public address of a pair.
                Some(known) => known.private = known.private.or(private),
                None => found.push(MediaIp { public, private }),
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
    use crate::media::MediaConfig;

    fn given(values: &[&str]) -> Vec<MediaAddress> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let given = Given::from([(Key::MediaIp, values)]);
        Config::load(given, |_| None).unwrap().media.addresses
    }

    fn addresses(values: &[&str]) -> Vec<IpAddr> {
        values.iter().map(|value| value.parse().unwrap()).collect()
    }

    fn ips(values: &[&str]) -> Vec<MediaIp> {
        addresses(values).into_iter().map(MediaIp::from).collect()
    }

    #[tokio::test]
    async fn a_name_that_has_the_public_address_of_a_pair_changes_nothing_of_the_pair() {
        for values in [
            ["203.0.113.7/10.0.0.5", "meet.example.org"],
            ["meet.example.org", "203.0.113.7/10.0.0.5"],
        ] {
            let look_up = async |_: &HostName| Ok(addresses(&["203.0.113.7"]));
            let found = resolve(&given(&values), look_up).await.map_err(|_| ());
            let expected = MediaIp {
                public: "203.0.113.7".parse().unwrap(),
                private: Some("10.0.0.5".parse().unwrap()),
            };
            assert_eq!(found, Ok(vec![expected]), "{values:?}");
        }
    }

    #[tokio::test]
    async fn a_private_address_has_to_be_this_machines() {
        let found = all(&given(&["203.0.113.7/127.0.0.1", "203.0.113.8"])).await;
        assert_eq!(found.ok().map(|found| found.len()), Some(2));
        // Of a range that is for documentation alone (RFC 5737).
        let refused = all(&given(&["203.0.113.8", "203.0.113.7/198.51.100.7"])).await;
        assert_eq!(
            refused.err().unwrap().to_string(),
            "cannot use the media address 203.0.113.7/198.51.100.7: what stands behind the slash is none of this machine's \
             addresses"
        );
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
            ips(&["192.0.2.9", "192.0.2.2", "2001:db8::1", "192.0.2.1"])
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

    #[tokio::test(start_paused = true)]
    async fn an_address_that_the_machine_gets_is_announced_and_one_that_it_loses_is_not() {
        let config = MediaConfig {
            ips: ips(&["127.0.0.1"]),
            wildcards: addresses(&["0.0.0.0"]),
            port: 0,
            threads: 2,
            listeners: vec!["0.0.0.0:443".parse().unwrap()],
        };
        let media = Media::start(config).unwrap();
        let (now, seen) = tokio::sync::watch::channel(addresses(&["127.0.0.1"]));
        let following = tokio::spawn({
            let media = media.clone();
            async move { follow_interfaces(|| seen.borrow().clone(), ips(&["127.0.0.1"]), &media).await }
        });
        let announced = || -> Vec<IpAddr> { media.addresses().iter().map(|at| at.ip()).collect() };
        for all in [
            &["127.0.0.1", "192.0.2.9"][..],
            &["127.0.0.1", "192.0.2.9", "2001:db8::9"],
            &["192.0.2.9"],
        ] {
            now.send_replace(addresses(all));
            let expected = addresses(all);
            let told = async {
                while announced() != expected {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            let waited = tokio::time::timeout(2 * OWN_INTERVAL, told).await;
            assert!(waited.is_ok(), "{:?}, not {expected:?}", announced());
        }
        following.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_again_and_its_changes_alone_are_told() {
        let [MediaAddress::Name(name)] = &given(&["meet.example.org"])[..] else {
            panic!("it is a name");
        };
        let answers = std::cell::RefCell::new(vec![
            Ok(ips(&["192.0.2.1"])),
            Ok(ips(&["192.0.2.2"])),
            Err((name.clone(), NoAddress::TooLate)),
            Ok(ips(&["192.0.2.2"])),
            Ok(ips(&["192.0.2.2", "192.0.2.3"])),
        ]);
        let began = tokio::time::Instant::now();
        let again = || async {
            if answers.borrow().is_empty() {
                return std::future::pending().await;
            }
            answers.borrow_mut().remove(0)
        };
        let told = std::cell::RefCell::new(Vec::new());
        let watching = follow_names(ips(&["192.0.2.1"]), again, |found| {
            told.borrow_mut().push((began.elapsed(), found.to_vec()));
        });
        let patience = LOOK_UP_INTERVAL * 10;
        assert!(tokio::time::timeout(patience, watching).await.is_err());
        assert_eq!(
            *told.borrow(),
            [
                (LOOK_UP_INTERVAL * 2, ips(&["192.0.2.2"])),
                (LOOK_UP_INTERVAL * 5, ips(&["192.0.2.2", "192.0.2.3"])),
            ]
        );
    }

    #[tokio::test]
    async fn this_machines_own_name_is_found_by_the_system() {
        let found = all(&given(&["localhost"])).await;
        let found = found.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(!found.is_empty() && found.iter().all(|found| found.public.is_loopback()));
        let nobody = all(&given(&["nobody.invalid"])).await.err().unwrap();
        assert!(nobody.to_string().contains("nobody.invalid"), "{nobody}");
    }
}

//! The way from outside: name, certificate, proxy, WebSocket, and the ways of media.

use std::net::IpAddr;

use super::count;
use crate::doctor::Finding;
use crate::doctor::seen::{
    Certificate, Media, Name, Public, Refused, Rest, Seen, Socket, Source, Tls, Via, Went,
};
use crate::protocol::check_report::WayName;

/// Automatic renewal happens earlier than this.
const SOON_DAYS: i64 = 14;

const OPEN_PROXY: &str = "See that the proxy runs and passes this address on to the server.";
const PROXY_DOCS: &str =
    "The examples in .deploy and /docs/install.html show it for nginx and Caddy.";

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(seen.name.as_ref().map(name));
    if let Some(public) = &seen.public {
        let is_own = |tls: &Tls| tls.source == Source::Own;
        found.extend(self::public(public, seen.tls.as_ref().is_some_and(is_own)));
    }
    found.extend(media(&seen.media));
    found
}

fn name(name: &Name) -> Finding {
    let (check, host) = ("name", &name.host);
    match &name.addresses {
        Err(why) => Finding::wrong(
            check,
            format!("The name {host} is not found: {why}."),
            "Make an A record (and AAAA for IPv6) with the address of this machine, at the provider that keeps the name.",
        ),
        Ok(all) if all.is_empty() => Finding::wrong(
            check,
            format!("The name {host} has no address."),
            "Make an A record (and AAAA for IPv6) with the address of this machine, at the provider that keeps the name.",
        ),
        Ok(all) if name.ours == 0 => Finding::note(
            check,
            format!(
                "The name {host} leads to {}, and none of its addresses is this machine's or one of --media-ip.",
                list(all.iter())
            ),
            "That is right where NAT or a proxy on another machine passes the ports on; else correct the name's record.",
        ),
        Ok(all) if name.ours < all.len() => Finding::note(
            check,
            format!(
                "The name {host} leads to {}, of which {} not this machine's.",
                list(all.iter()),
                match all.len() - name.ours {
                    1 => "1 is".to_owned(),
                    others => format!("{others} are"),
                }
            ),
            "Take old records away: a browser may try those first.",
        ),
        Ok(_) => Finding::ok(check, format!("The name {host} leads to this machine.")),
    }
}

fn list<'a>(addresses: impl Iterator<Item = &'a IpAddr>) -> String {
    let shown = addresses.map(ToString::to_string);
    shown.collect::<Vec<_>>().join(" and ")
}

fn public(public: &Public, signs_itself: bool) -> Vec<Finding> {
    let url = &public.url;
    let is_known = |shown: &&Certificate| signs_itself && shown.refused == Some(Refused::Issuer);
    let shown = public.certificate.iter().filter(|shown| !is_known(shown));
    let mut found: Vec<Finding> = shown.map(certificate).collect();
    if let Some(why) = &public.unreachable {
        found.push(Finding::wrong(
            "public",
            format!("{url} cannot be reached from here: {why}."),
            "See that the name leads here, that the firewall lets the port through and that the proxy runs.",
        ));
        return found;
    }
    match public.health.as_ref() {
        Some(answer) if answer.version.is_some() => {
            found.push(Finding::ok("public", format!("{url} leads to the server.")));
        }
        Some(answer) => found.push(Finding::wrong(
            "public",
            format!(
                "{url} answers with status {}, but not this server.",
                answer.status
            ),
            OPEN_PROXY,
        )),
        None => found.push(Finding::wrong(
            "public",
            format!("{url} gives no answer."),
            OPEN_PROXY,
        )),
    }
    found.extend(public.via.and_then(via));
    found.extend(public.socket.map(socket));
    found.extend(public.rest.map(rest));
    found
}

fn certificate(seen: &Certificate) -> Finding {
    let check = "certificate";
    let remedy = |text: &str| text.to_owned();
    let (sentence, remedy) = match (seen.refused, seen.days_left) {
        (Some(Refused::Time), Some(days)) if days < 0 => (
            "The certificate is over.".to_owned(),
            remedy("Renew it, and see why it was not renewed by itself."),
        ),
        (Some(Refused::Time), _) => (
            "The certificate does not hold at this machine's time.".to_owned(),
            remedy("Set the clock, or renew the certificate."),
        ),
        (Some(Refused::Name), _) => (
            "The certificate is for another name.".to_owned(),
            remedy("Get one for the name of --public-url."),
        ),
        (Some(Refused::Issuer), _) => (
            "Browsers do not know who signed the certificate, or a part of its chain is missing."
                .to_owned(),
            remedy("Serve the whole chain (fullchain.pem), from an authority that browsers know."),
        ),
        (Some(Refused::Other), _) => (
            "Browsers refuse the certificate.".to_owned(),
            remedy("Get a new one for the name of --public-url."),
        ),
        (None, Some(days)) if days < SOON_DAYS => {
            let sentence = format!(
                "The certificate holds for {} more.",
                count(usize::try_from(days).unwrap_or_default(), "day")
            );
            return Finding::note(check, sentence, "See that it is renewed by itself.");
        }
        (None, Some(days)) => {
            return Finding::ok(
                check,
                format!("The certificate is right and holds for {days} days."),
            );
        }
        (None, None) => return Finding::ok(check, "The certificate is right."),
    };
    Finding::wrong(check, sentence, remedy)
}

fn via(via: Via) -> Option<Finding> {
    let check = "proxy";
    match (via.forwarded, via.trusted) {
        (true, true) => Some(Finding::ok(
            check,
            "The proxy says whom it speaks for, and is believed.",
        )),
        (true, false) => Some(Finding::wrong(
            check,
            "The proxy says whom it speaks for and is not believed, so all people share one address and its limits.",
            "Name the proxy's address with --trusted-proxy.",
        )),
        (false, true) => Some(Finding::wrong(
            check,
            "The proxy does not say whom it speaks for (X-Forwarded-For), so all people share one address and its limits.",
            format!("Let it set X-Forwarded-For. {PROXY_DOCS}"),
        )),
        // Nobody stands in front.
        (false, false) => None,
    }
}

fn socket(socket: Socket) -> Finding {
    let check = "websocket";
    match socket {
        Socket::Opened => Finding::ok(
            check,
            "A WebSocket opens at the public address, and the server's first word comes at once.",
        ),
        Socket::Silent => Finding::wrong(
            check,
            "A WebSocket opens at the public address and the server's first word does not come: something in between holds it back.",
            format!("Turn buffering off in the proxy. {PROXY_DOCS}"),
        ),
        Socket::Refused(400 | 405 | 426) => Finding::wrong(
            check,
            "The proxy takes the upgrade away, so that no WebSocket opens and nobody gets past the first page.",
            format!("Let the proxy pass on Upgrade and Connection, over HTTP/1.1. {PROXY_DOCS}"),
        ),
        Socket::Refused(403) => Finding::wrong(
            check,
            "The server refuses WebSockets of the page at --public-url, as if it were another site's.",
            "Set --public-url to the address as it stands in the browser, and let the proxy pass on Host.",
        ),
        Socket::Refused(status) => Finding::wrong(
            check,
            format!("A WebSocket at the public address is answered with status {status}."),
            OPEN_PROXY,
        ),
        Socket::Failed => Finding::wrong(
            check,
            "A WebSocket at the public address gets no answer.",
            OPEN_PROXY,
        ),
    }
}

fn rest(rest: Rest) -> Finding {
    let check = "rest";
    match rest {
        Rest::Held(seconds) => Finding::ok(
            check,
            format!("A WebSocket at rest was still open after {seconds} s."),
        ),
        Rest::Cut(seconds) => Finding::wrong(
            check,
            format!("A WebSocket was cut after {seconds} s by something in between."),
            "Raise the proxy's time-out for silent connections, such as proxy_read_timeout 1h of nginx.",
        ),
    }
}

fn media(media: &Media) -> Vec<Finding> {
    let check = "media";
    if let Some(why) = &media.not_asked {
        return vec![Finding::note(
            check,
            format!("The ways of sound and picture were not tried: {why}."),
            "Open /check in a browser, and give its code to `meeting doctor --code`.",
        )];
    }
    let found = media.ways.iter().map(|(way, went)| {
        let name = way.words();
        match went {
            Went::Answered => Finding::ok(
                check,
                format!("The server answers over {name}, tried from this machine."),
            ),
            Went::Silent => Finding::wrong(
                check,
                format!(
                    "The server offers {name} and does not answer there, tried from this machine."
                ),
                silent(*way),
            ),
            Went::Refused(why) => Finding::wrong(
                check,
                format!("The server offers {name} and it is refused there: {why}."),
                silent(*way),
            ),
            Went::Distrusted => Finding::note(
                check,
                format!("The server offers {name}, which browsers do not use: they refuse its certificate."),
                "Use a certificate that browsers trust, as with --domain; the other ways do without.",
            ),
        }
    });
    found.collect()
}

fn silent(way: WayName) -> &'static str {
    match way {
        WayName::Udp => {
            "Open the media port for UDP in the firewall, and see that --media-ip leads to this machine."
        }
        WayName::Tcp => {
            "Open the port for TCP in the firewall, and pass it on where a proxy has it."
        }
        WayName::TurnUdp | WayName::TurnTcp | WayName::TurnTls => {
            "Open the relay's port in the firewall, and see that its name leads to this machine."
        }
    }
}

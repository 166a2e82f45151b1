//! What a socket sends from, what it hears when, and who shares a port.

use super::*;

#[test]
fn a_source_that_is_refused_is_refused_alone_and_not_for_ever() {
    let ips = ["127.0.0.1", "127.0.0.2"].map(|ip| ip.parse().unwrap());
    let mut socket = bind(&ips, true, 0).unwrap();
    assert!(socket.wildcard);
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = client.local_addr().unwrap();
    let now = Instant::now();
    let sent_from = |socket: &mut MediaSocket, source: &str| {
        let from = SocketAddr::new(source.parse().unwrap(), 1);
        socket.send(Path::udp(from, to), 1, b"x", now);
        client.recv_from(&mut [0; 8]).unwrap().1.ip().to_string()
    };
    assert_eq!(sent_from(&mut socket, "127.0.0.2"), "127.0.0.2");
    // None of this machine's (RFC 5737): the kernel chooses.
    assert_eq!(sent_from(&mut socket, "192.0.2.1"), "127.0.0.1");
    let strange: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(socket.is_refused(strange, now));
    assert_eq!(sent_from(&mut socket, "192.0.2.1"), "127.0.0.1");
    assert_eq!(sent_from(&mut socket, "127.0.0.2"), "127.0.0.2");
    assert!(!socket.is_refused(strange, now + REFUSED_FOR));
    for last in 0..100 {
        sent_from(&mut socket, &format!("198.51.100.{last}"));
    }
    assert_eq!(socket.refused.len(), MAX_REFUSED);
}

#[test]
fn what_a_nat_leads_here_is_taken_at_the_private_address() {
    let at = |public: &str, private: Option<&str>| MediaIp {
        public: public.parse().unwrap(),
        private: private.map(|private| private.parse().unwrap()),
    };
    // Given the one address twice, it is bound itself; given two, all are, and each is answered from.
    let alone = [at("192.0.2.1", Some("127.0.0.2")), at("127.0.0.2", None)];
    let two = [at("192.0.2.1", Some("127.0.0.2")), at("127.0.0.3", None)];
    for (ips, is_bound_to_all) in [(alone, false), (two, true)] {
        let mut sockets = bind_families(&ips, &[], 0).unwrap();
        assert_eq!(sockets.len(), 1);
        let socket = &mut sockets[0];
        assert_eq!(socket.wildcard, is_bound_to_all);
        assert_eq!(socket.ip.to_string(), "127.0.0.2");
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = SocketAddr::new(socket.ip, socket.port);
        let to = client.local_addr().unwrap();
        socket.send(Path::udp(local, to), 1, b"x", Instant::now());
        assert_eq!(client.recv_from(&mut [0; 8]).unwrap().1, local);
    }
}

#[test]
fn with_wildcards_an_address_that_the_machine_gets_later_is_answered_from() {
    let wildcards = ["0.0.0.0", "::"].map(|ip| ip.parse().unwrap());
    let known = [MediaIp::from(IpAddr::from([127, 0, 0, 1]))];
    for ips in [&known[..], &[]] {
        let mut sockets = bind_families(ips, &wildcards, 0).unwrap();
        assert_eq!(sockets.len(), 2);
        assert!(sockets.iter().all(|socket| socket.wildcard));
        for (socket, later) in sockets.iter_mut().zip(["127.0.0.9", "::1"]) {
            let later = SocketAddr::new(later.parse().unwrap(), socket.port);
            let client = std::net::UdpSocket::bind((later.ip(), 0)).unwrap();
            client.send_to(b"x", later).unwrap();
            let to = client.local_addr().unwrap();
            socket.send(Path::udp(later, to), 1, b"x", Instant::now());
            assert_eq!(client.recv_from(&mut [0; 8]).unwrap().1, later);
        }
    }
}

fn loopback() -> Vec<MediaIp> {
    ["127.0.0.1", "::1"]
        .map(|ip| MediaIp::from(ip.parse::<IpAddr>().unwrap()))
        .to_vec()
}

/// Which of these sockets has something to read, waiting for the first that has.
fn reader(sockets: &[&MediaSocket]) -> usize {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        for (index, socket) in sockets.iter().enumerate() {
            if socket.io.recv_from(&mut [0; 16]).is_ok() {
                return index;
            }
        }
        std::thread::yield_now();
    }
    panic!("nobody has read it");
}

#[test]
fn what_comes_to_one_port_is_spread_over_the_workers_and_each_path_stays_with_one() {
    let all = bind_all(&loopback(), &[], 0, 3).unwrap();
    for family in 0..2 {
        let sockets: Vec<&MediaSocket> = all.iter().map(|one| &one[family]).collect();
        let server = SocketAddr::new(sockets[0].ip, sockets[0].port);
        let mut readers = Vec::new();
        for _ in 0..64 {
            let client = std::net::UdpSocket::bind((server.ip(), 0)).unwrap();
            let [first, second] = [0, 1].map(|_| {
                client.send_to(b"x", server).unwrap();
                reader(&sockets)
            });
            assert_eq!(first, second);
            // Any of them answers from that port.
            let to = client.local_addr().unwrap();
            sockets[2].io.send_to(b"y", to).unwrap();
            assert_eq!(client.recv_from(&mut [0; 8]).unwrap().1, server);
            readers.push(first);
        }
        let workers = if cfg!(target_os = "linux") { 3 } else { 1 };
        readers.sort_unstable();
        readers.dedup();
        assert_eq!(readers.len(), workers, "{server}");
    }
}

#[test]
fn where_the_kernel_does_not_spread_one_worker_reads_and_all_send() {
    let first = bind_families(&loopback(), &[], 0).unwrap();
    let all = spread(first, 2, Spread::ByOne).unwrap();
    assert!(all[0].iter().all(|socket| socket.is_read));
    assert!(all[1].iter().all(|socket| !socket.is_read));
    let server = SocketAddr::new(all[0][0].ip, all[0][0].port);
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = client.local_addr().unwrap();
    all[1][0].io.send_to(b"y", to).unwrap();
    assert_eq!(client.recv_from(&mut [0; 8]).unwrap().1, server);
}

#[test]
fn nobody_else_gets_a_share_of_the_port() {
    let ips = loopback();
    for workers in [1, 2] {
        let all = bind_all(&ips, &[], 0, workers).unwrap();
        let port = all[0][0].port;
        for others in [1, 2] {
            let refused = bind_all(&ips, &[], port, others).err().unwrap();
            let MediaStartError::Bind { address, source } = refused else {
                panic!("{refused}");
            };
            assert_eq!(address.port(), port);
            assert_eq!(source.kind(), io::ErrorKind::AddrInUse);
        }
        drop(all);
        assert!(
            bind_all(&ips, &[], port, workers).is_ok(),
            "it is free again"
        );
    }
}

#[test]
fn the_kernel_tells_when_a_datagram_came() {
    let socket = bind(&["127.0.0.1".parse().unwrap()], true, 0).unwrap();
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"x", ("127.0.0.1", socket.port)).unwrap();
    let mut buffers = Buffers::new();
    let mut events = mio::Events::with_capacity(1);
    let (mut poll, mut io) = (mio::Poll::new().unwrap(), socket);
    poll.registry()
        .register(&mut io.io, mio::Token(0), mio::Interest::READABLE)
        .unwrap();
    poll.poll(&mut events, None).unwrap();
    assert_eq!(buffers.receive(&io), Some(1));
    let stamp = buffers.received(1).next().unwrap().0.timestamp;
    assert!(stamp.is_some());
    let (now, wall) = (Instant::now(), SystemTime::now());
    let later = |ms| {
        (
            now + Duration::from_millis(ms),
            wall + Duration::from_millis(ms),
        )
    };
    let (then, then_wall) = later(20);
    let came = arrival(stamp, then_wall, then);
    assert!(came <= now && came + LONGEST_UNREAD > now);
    for (ms, stamp) in [(5_000, stamp), (20, None), (20, Some(Duration::MAX))] {
        let (then, then_wall) = later(ms);
        assert_eq!(arrival(stamp, then_wall, then), then);
    }
}

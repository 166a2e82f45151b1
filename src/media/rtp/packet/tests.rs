use super::*;

const HEADER: Header = Header {
    marker: true,
    payload_type: 96,
    sequence: 0xfffe,
    timestamp: 0x0102_0304,
    ssrc: 0xdead_beef,
};

fn packet(extensions: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut set = ExtensionSet::default();
    for (id, value) in extensions {
        set.push(*id, value);
    }
    let mut bytes = Vec::new();
    HEADER.write(&set, &mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn what_is_written_is_read() {
    let long = [7; 17];
    let tables: [&[(u8, &[u8])]; 5] = [
        &[],
        &[(1, b"a")],
        &[(14, &[9; 16]), (3, b"xy")],
        &[(1, b"a"), (15, b"b")],
        &[(2, &long), (200, b"")],
    ];
    for table in tables {
        let bytes = packet(table, b"payload");
        let view = View::parse(&bytes).unwrap();
        assert_eq!((view.header, view.payload), (HEADER, &b"payload"[..]));
        let read: Vec<_> = view.extensions.iter().collect();
        assert_eq!(read, table);
        for (id, value) in table {
            assert_eq!(view.extensions.get(*id), Some(*value));
        }
    }
}

#[test]
fn the_form_with_one_byte_is_as_the_rfc_draws_it() {
    let bytes = packet(&[(1, &[0xaa]), (2, &[0xbb, 0xcc])], &[]);
    assert_eq!(
        bytes[FIXED_BYTES..],
        [0xbe, 0xde, 0, 2, 0x10, 0xaa, 0x21, 0xbb, 0xcc, 0, 0, 0]
    );
    assert_eq!(bytes[..4], [0x90, 0xe0, 0xff, 0xfe]);
}

#[test]
fn padding_is_taken_off_and_must_be_right() {
    let padded = |padding: &[u8]| {
        let mut bytes = packet(&[], b"ab");
        bytes[0] |= 0x20;
        bytes.extend_from_slice(padding);
        bytes
    };
    assert_eq!(View::parse(&padded(&[0, 0, 3])).unwrap().payload, b"ab");
    assert_eq!(View::parse(&padded(&[5, 5])).unwrap_or(EMPTY), EMPTY);
    assert_eq!(View::parse(&padded(&[4, 4])).unwrap().payload, b"");
    for wrong in [0, 6, 255] {
        assert_eq!(View::parse(&padded(&[1, wrong])), None, "{wrong}");
    }
    let mut empty = packet(&[], b"");
    empty[0] |= 0x20;
    assert_eq!(View::parse(&empty), None);
}

const EMPTY: View<'static> = View {
    header: HEADER,
    extensions: Extensions {
        form: Form::Other,
        bytes: &[],
    },
    payload: &[],
};

#[test]
fn contributing_sources_stand_before_the_extensions() {
    let mut bytes = packet(&[(1, b"a")], b"p");
    bytes[0] |= 2;
    bytes.splice(FIXED_BYTES..FIXED_BYTES, [9; 8]);
    let view = View::parse(&bytes).unwrap();
    assert_eq!(view.extensions.get(1), Some(&b"a"[..]));
    assert_eq!(view.payload, b"p");
}

#[test]
fn padding_stands_between_extensions_and_15_ends_them() {
    let read = |form: Form, bytes: &'static [u8]| {
        let all: Vec<_> = Extensions { form, bytes }.iter().collect();
        all
    };
    let one = Form::OneByte;
    assert_eq!(read(one, &[0, 0x10, 7, 0, 0x20, 8]).len(), 2);
    assert_eq!(read(one, &[0x10, 7, 0xf0, 1, 0x20, 8]).len(), 1);
    assert_eq!(read(one, &[0x10, 7, 0x21, 8]).len(), 1, "cut short");
    assert_eq!(read(one, &[0x01, 7, 7, 0x20, 8]), []);
    assert_eq!(read(Form::TwoBytes, &[0, 9, 1, 7, 0, 5, 0]).len(), 2);
    assert_eq!(read(Form::TwoBytes, &[9]), []);
    assert_eq!(read(Form::Other, &[9, 1, 1]), []);
}

#[test]
fn more_than_fits_is_left_out() {
    let mut set = ExtensionSet::default();
    set.push(0, b"a");
    set.push(1, &[0; 256]);
    assert!(set.is_empty());
    for id in 1..=20 {
        set.push(id, b"a");
    }
    assert_eq!(set.entries().len(), MAX_EXTENSIONS);
}

/// Every packet cut at every place, and with every byte changed in some ways.
#[test]
fn mutations_are_read_or_refused() {
    let whole = packet(&[(1, b"ab"), (9, &[3; 20]), (4, b"x")], b"payload");
    let mut short = packet(&[(1, b"ab"), (9, &[3; 16])], b"payload");
    short[0] |= 0x21;
    for packet in [whole, short] {
        for end in 0..packet.len() {
            touch(&packet[..end]);
        }
        for place in 0..packet.len() {
            for value in 0..=255 {
                let mut changed = packet.clone();
                changed[place] = value;
                touch(&changed);
            }
        }
    }
    let mut random = 0x2545_f491_u32;
    for length in 0..60 {
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 17;
                    random ^= random << 5;
                    random as u8
                })
                .collect();
            touch(&bytes);
        }
    }
}

fn touch(packet: &[u8]) {
    if let Some(view) = View::parse(packet) {
        assert!(view.extensions.iter().count() <= packet.len());
        assert!(view.payload.len() <= packet.len() - FIXED_BYTES);
        assert_eq!(view.extensions.get(0), None);
    }
}

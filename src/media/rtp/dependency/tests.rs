use super::*;

/// Writes descriptors as a sender does.
#[derive(Default)]
struct Writer {
    bits: Vec<bool>,
}

impl Writer {
    fn put(&mut self, value: u64, count: u32) {
        for place in (0..count).rev() {
            self.bits.push(value >> place & 1 == 1);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            let bits = bits.iter().enumerate();
            bits.fold(0, |byte, (place, bit)| byte | u8::from(*bit) << (7 - place))
        };
        self.bits.chunks(8).map(byte).collect()
    }

    fn head(template: u64, frame: u64, flags: Option<u64>) -> Self {
        let mut writer = Self::default();
        writer.put(1, 1);
        writer.put(1, 1);
        writer.put(template, 6);
        writer.put(frame, 16);
        if let Some(flags) = flags {
            writer.put(flags, 5);
        }
        writer
    }

    /// Two spatial layers at two rates: the templates of a keyframe, and of what follows it. The targets are S0T0, S0T1,
    /// S1T0 and S1T1.
    fn structure(&mut self) {
        /// Spatial and temporal layer, indications (`-DSR`), and the frames that it needs.
        const TEMPLATES: [(&str, &[u64]); 5] = [
            ("SSSS", &[]),
            ("SSRR", &[4]),
            ("-D-R", &[2]),
            ("--SS", &[1]),
            ("---D", &[1, 2]),
        ];
        self.put(60, 6);
        self.put(3, 5);
        for next in [0, 1, 2, 1, 3] {
            self.put(next, 2);
        }
        for (indications, _) in TEMPLATES {
            for letter in indications.chars() {
                let value = "-DSR".find(letter).unwrap();
                self.put(value as u64, 2);
            }
        }
        for (_, needed) in TEMPLATES {
            for back in needed {
                self.put(1, 1);
                self.put(back - 1, 4);
            }
            self.put(0, 1);
        }
        // Two chains, in a number below five.
        self.put(2, 2);
        for chain in [0, 0, 1, 1] {
            self.put(chain, 1);
        }
        for _ in TEMPLATES {
            self.put(7, 4);
            self.put(7, 4);
        }
        self.put(1, 1);
        for size in [319, 179, 639, 359] {
            self.put(size, 16);
        }
    }

    fn key() -> Vec<u8> {
        let mut writer = Self::head(60, 1, Some(0b1_0000));
        writer.structure();
        writer.bytes()
    }
}

fn told(descriptors: &mut Descriptors, descriptor: &[u8], timestamp: u32) -> (u8, u8, bool, bool) {
    let part = descriptors.read(descriptor, timestamp).unwrap().part;
    let Part {
        spatial,
        temporal,
        is_independent,
        is_up_switch,
        ..
    } = part;
    (spatial, temporal, is_independent, is_up_switch)
}

#[test]
fn frames_are_told_by_their_templates() {
    let mut descriptors = Descriptors::default();
    let later = Writer::head(61, 3, None).bytes();
    assert_eq!(descriptors.read(&later, 0), None, "nothing is known yet");
    let key = descriptors.read(&Writer::key(), 0).unwrap();
    assert!(key.part.is_independent && key.part.is_up_switch && key.part.ends);
    let sizes = key.sizes.unwrap().into_iter().flatten();
    let sizes: Vec<_> = sizes.map(|size| (size.width, size.height)).collect();
    assert_eq!(sizes, [(320, 180), (640, 360)]);
    let layers = &key.targets.layers[..key.targets.count];
    assert_eq!(layers, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    // Of the same picture, and of later ones; the numbers of templates wrap.
    let frame = |template, number| Writer::head(template, number, None).bytes();
    let of = |descriptors: &mut Descriptors, template, number, timestamp| {
        told(descriptors, &frame(template, number), timestamp)
    };
    assert_eq!(of(&mut descriptors, 63, 2, 0), (1, 0, true, true));
    assert_eq!(of(&mut descriptors, 61, 3, 90), (0, 0, false, true));
    assert_eq!(of(&mut descriptors, 62, 5, 180), (0, 1, false, false));
    assert_eq!(of(&mut descriptors, 0, 6, 180), (1, 1, false, false));
    assert_eq!(descriptors.read(&frame(1, 7), 270), None, "there is none");
    // What a frame says itself counts: no indications but these, and what it needs.
    let mut own = Writer::head(63, 8, Some(0b0_0110));
    for indication in [0, 0, 2, 1] {
        own.put(indication, 2);
    }
    own.put(1, 2);
    own.put(0, 4);
    own.put(0, 2);
    let (mut first, mut second) = (Descriptors::default(), Descriptors::default());
    for descriptors in [&mut first, &mut second] {
        descriptors.read(&Writer::key(), 0);
    }
    assert_eq!(told(&mut first, &own.bytes(), 270), (1, 0, false, false));
    of(&mut second, 61, 7, 270);
    assert_eq!(told(&mut second, &own.bytes(), 270), (1, 0, true, false));
}

#[test]
fn the_active_targets_are_written_and_the_rest_stays() {
    let key = Writer::key();
    let mut descriptors = Descriptors::default();
    let before = descriptors.read(&key, 0).unwrap();
    let active = before.targets.within(0, 7);
    assert_eq!((active.mask, active.count), (0b0011, 4));
    let mut into = [0xff; 255];
    let length = activate(&key, active, &mut into).unwrap();
    assert_eq!(length, key.len() + 1);
    let mut again = Descriptors::default();
    assert_eq!(again.read(&into[..length], 0), Some(before));
    // Over those that there were.
    let other = before.targets.within(7, 0);
    let mut over = [0; 255];
    let length = activate(&into[..length], other, &mut over).unwrap();
    assert_eq!(again.read(&over[..length], 0), Some(before));
    // A short one grows a part for it.
    let short = Writer::head(61, 3, None).bytes();
    let length = activate(&short, active, &mut into).unwrap();
    assert_eq!(
        into[..length],
        [short[0], short[1], short[2], 0b0100_0001, 0b1000_0000]
    );
    let expected = told(&mut again, &short, 90);
    assert_eq!(told(&mut again, &into[..length], 90), expected);
    assert_eq!(
        activate(&key, active, &mut [0; 20]),
        None,
        "there is no room"
    );
}

#[test]
fn malformed_descriptors_pass_without_a_panic() {
    let key = Writer::key();
    let all = Active {
        mask: u32::MAX,
        count: 32,
    };
    for length in 0..key.len() {
        let mut descriptors = Descriptors::default();
        let cut = &key[..length];
        if let Some(told) = descriptors.read(cut, 0) {
            let _ = activate(cut, told.targets.within(1, 1), &mut [0; 64]);
        }
    }
    let mut random = 0x2545_f491_u32;
    for _ in 0..20_000 {
        let mut bytes = key.clone();
        for _ in 0..3 {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            let place = random as usize % bytes.len();
            bytes[place] = (random >> 16) as u8;
        }
        let mut descriptors = Descriptors::default();
        let _ = descriptors.read(&bytes, 0);
        let _ = descriptors.read(&Writer::head(61, 3, None).bytes(), 90);
        let _ = activate(&bytes, all, &mut [0; 255]);
    }
}

use super::*;

/// What becomes of modules whose entry is `js/app.js`.
fn packed(sources: &[(&'static str, &'static str)]) -> Result<Packed, String> {
    let sources: Sources = sources.iter().copied().collect();
    pack(&sources, "js", &["js/app.js"], &BTreeSet::new())
}

#[test]
fn modules_run_in_their_order_and_each_keeps_its_names() {
    let packed = packed(&[
        (
            "js/app.js",
            "import { twice, one as first } from './state/a.js';\nimport {\n  b,\n} from './b.js';\n\nconst own = 1;\nawait twice(b(first + own));\n",
        ),
        (
            "js/b.js",
            "/** Words. */\nimport { one } from './state/a.js';\nconst own = 2;\nexport const b = (x) => x + own + one;\n",
        ),
        (
            "js/state/a.js",
            "export const one = 1;\nexport async function twice(x) {\n  const { late } = await import('../late.js');\n  return late(2 * x);\n}\n",
        ),
    ]);
    let packed = packed.unwrap();
    assert_eq!(packed.members, ["js/state/a.js", "js/b.js", "js/app.js"]);
    let expected = "
// js/state/a.js
const $state_a = (() => {
const one = 1;
async function twice(x) {
  const { late } = await import('./late.js');
  return late(2 * x);
}
return { one, twice };
})();

// js/b.js
const $b = (() => {
const { one } = $state_a;
/** Words. */
const own = 2;
const b = (x) => x + own + one;
return { b };
})();

// js/app.js
const $app = await (async () => {
const { twice, one: first } = $state_a;
const { b } = $b;

const own = 1;
await twice(b(first + own));
return {  };
})();

const $state_a$one = $state_a.one;
const $state_a$twice = $state_a.twice;
const $b$b = $b.b;
export {
  $b$b as b,
  $state_a$one as one,
  $state_a$twice as twice,
};
";
    assert_eq!(packed.text, expected);
}

#[test]
fn what_another_pack_holds_is_imported_from_there_and_handed_on() {
    let sources = Sources::from([
        (
            "js/app.js",
            "import { t } from './i18n/index.js';\nexport { t as word, n } from './i18n/index.js';\nexport { x } from './x.js';\nt();\n",
        ),
        ("js/x.js", "export const x = 1;\n"),
    ]);
    let elsewhere = BTreeSet::from(["js/i18n/index.js".to_owned()]);
    let packed = pack(&sources, "js", &["js/app.js"], &elsewhere).unwrap();
    assert_eq!(packed.members, ["js/x.js", "js/app.js"]);
    let text = packed.text;
    for line in [
        "import * as $i18n_index from './i18n/index.js';\n",
        "const { t } = $i18n_index;\n",
        "return { word: $i18n_index.t, n: $i18n_index.n, x: $x.x };\n",
        "  $app$word as word,\n",
        "  $x$x as x,\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.matches(" as x,").count(), 1);
}

#[test]
fn what_no_pack_can_hold_is_refused_by_name() {
    let table = [
        ("import d from './b.js';\n", "imports or exports"),
        ("import * as b from './b.js';\n", "imports or exports"),
        ("import { b } from 'elsewhere';\n", "imports or exports"),
        ("export * from './b.js';\n", "exports in a way"),
        ("export default 1;\n", "exports in a way"),
        ("export let a = 1;\n", "exports in a way"),
        ("import { b } from './none.js';\n", "no module js/none.js"),
        (
            "import { b } from './b.js';\nexport const b2 = 1;\n",
            "both export b2",
        ),
        (
            "import { c } from './c/c.js';\n",
            "js/c/c.js asks where it is",
        ),
        ("import { d } from './d.js';\n", "needs itself"),
    ];
    for (app, expected) in table {
        let refused = packed(&[
            ("js/app.js", app),
            ("js/b.js", "export const b = 1;\nexport const b2 = 1;\n"),
            ("js/c/c.js", "export const c = import.meta.url;\n"),
            (
                "js/d.js",
                "import { e } from './e.js';\nexport const d = 1;\n",
            ),
            (
                "js/e.js",
                "import { d } from './d.js';\nexport const e = 1;\n",
            ),
        ]);
        let reason = refused.unwrap_err();
        assert!(reason.contains(expected), "{app}: {reason}");
    }
}

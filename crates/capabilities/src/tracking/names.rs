//! Names for runs that nobody named.

const HOW: [&str; 48] = [
    "able", "airy", "amber", "ample", "apt", "bold", "brave", "bright", "brisk", "calm", "candid", "clear", "crisp",
    "curious", "deft", "eager", "early", "fair", "fleet", "fond", "frank", "fresh", "gentle", "glad", "golden",
    "grand", "hardy", "honest", "keen", "kind", "lively", "lucid", "mellow", "merry", "mild", "neat", "nimble",
    "patient", "plucky", "proud", "quick", "quiet", "rapt", "shrewd", "silver", "steady", "swift", "wise",
];
const WHO: [&str; 48] = [
    "alder", "ant", "aspen", "badger", "bear", "beech", "birch", "bison", "cedar", "crane", "crow", "deer", "dove",
    "eagle", "elk", "elm", "falcon", "fern", "finch", "fox", "goose", "hare", "hawk", "heron", "ibis", "jay", "kite",
    "lark", "linden", "lynx", "maple", "marten", "mole", "moose", "newt", "oak", "otter", "owl", "pine", "plover",
    "quail", "raven", "robin", "seal", "stork", "swan", "tern", "wren",
];

/// A name from a number, such as `curious-heron-482`.
pub fn run_name(number: u128) -> String {
    let pick = |words: &[&'static str], n: u128| words[(n % words.len() as u128) as usize];
    let (how, who) = (pick(&HOW, number), pick(&WHO, number / 48));
    format!("{how}-{who}-{}", number / (48 * 48) % 1000)
}

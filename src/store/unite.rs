//! Which of the changes that several senders tell of are one.
//!
//! A *piece* is all that was told under one id. Two pieces of different senders are one change where they touch the same
//! services and environments, have the same version or commit, and lie close together in time. The nearest are joined first,
//! and never two pieces of one sender: it knows that they are two. What comes out depends on the set of pieces alone, not on
//! the order in which they came.

use std::collections::{BTreeMap, BTreeSet};

/// How far apart two pieces of one change may lie, in microseconds: half an hour.
const APART: i64 = 30 * 60 * 1_000_000;
/// The same of two whose ids were made up here, such as the annotations that one pipeline sends before and after: ten minutes.
const APART_LOOSE: i64 = 10 * 60 * 1_000_000;
/// How long before it is said of a change that it goes back others may call it a deployment: half a minute. One that began earlier brought
/// that version in the first place, and something else lay between.
const BACK: i64 = 30 * 1_000_000;
/// As many digits of a commit are compared at least.
pub(super) const HASH: usize = 6;

/// All that was told under one id, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) id: String,
    pub(super) sources: BTreeSet<String>,
    /// Whether its id was made up here.
    pub(super) loose: bool,
    pub(super) services: BTreeSet<String>,
    pub(super) environments: BTreeSet<String>,
    pub(super) versions: BTreeSet<String>,
    pub(super) commits: BTreeSet<String>,
    /// Whether it goes back to what was there before.
    pub(super) back: bool,
    /// Microseconds since 1970.
    pub(super) from: i64,
    pub(super) to: i64,
}

/// A version without the `v` that some senders write before it.
pub(super) fn plain_version(version: &str) -> &str {
    let rest = version.strip_prefix(['v', 'V']).unwrap_or(version);
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest } else { version }
}

/// Whether a text is a commit's hash or the beginning of one.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() >= HASH && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn same_commit(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    is_hash(short) && long.get(..short.len()).is_some_and(|head| head.eq_ignore_ascii_case(short))
}

/// Whether one of two goes back to what the other brought.
fn there_and_back(a: &Piece, b: &Piece) -> bool {
    let first_time =
        |back: &Piece, forth: &Piece| back.back && !forth.back && forth.from + BACK < back.from;
    first_time(a, b) || first_time(b, a)
}

/// How far apart two pieces lie that may be one change; none if they may not.
fn distance(a: &Piece, b: &Piece) -> Option<i64> {
    let loose = a.loose && b.loose;
    let strangers = a.sources.is_disjoint(&b.sources);
    let scoped = !(a.services.is_empty() && a.environments.is_empty());
    if a.id == b.id || !(strangers || loose) || !scoped {
        return None;
    }
    if a.services != b.services || a.environments != b.environments {
        return None;
    }
    let commits = || a.commits.iter().flat_map(|x| b.commits.iter().map(move |y| (x, y)));
    let commit = commits().any(|(x, y)| same_commit(x, y));
    let version = !a.versions.is_disjoint(&b.versions);
    let contradicted = !a.commits.is_empty() && !b.commits.is_empty() && !commit;
    if !(commit || version) || contradicted {
        return None;
    }
    if there_and_back(a, b) {
        return None;
    }
    let gap = (a.from - b.to).max(b.from - a.to).max(0);
    (gap <= if strangers { APART } else { APART_LOOSE }).then_some(gap)
}

/// The pieces of each change, by their places in the list; every piece is in exactly one.
pub(super) fn unite(pieces: &[Piece]) -> Vec<Vec<usize>> {
    let mut links = Vec::new();
    for (i, a) in pieces.iter().enumerate() {
        for (j, b) in pieces.iter().enumerate().skip(i + 1) {
            if let Some(gap) = distance(a, b) {
                let names = if a.id <= b.id { (&a.id, &b.id) } else { (&b.id, &a.id) };
                links.push((gap, (a.from - b.from).abs(), names, i, j));
            }
        }
    }
    links.sort_unstable();
    let mut group: Vec<usize> = (0..pieces.len()).collect();
    for (_, _, _, i, j) in links {
        let (a, b) = (group[i], group[j]);
        if a == b {
            continue;
        }
        let of = |g: usize| {
            let mut sources: BTreeMap<&str, bool> = BTreeMap::new();
            for (piece, _) in pieces.iter().zip(&group).filter(|(_, at)| **at == g) {
                for source in &piece.sources {
                    *sources.entry(source).or_insert(true) &= piece.loose;
                }
            }
            sources
        };
        let (ours, theirs) = (of(a), of(b));
        let clash = ours
            .iter()
            .any(|(source, loose)| theirs.get(source).is_some_and(|other| !(*loose && *other)));
        let of = |g: usize| {
            pieces.iter().zip(&group).filter(move |(_, at)| **at == g).map(|(piece, _)| piece)
        };
        // A third one may be like both: it belongs to the nearer.
        let back = || of(a).any(|x| of(b).any(|y| there_and_back(x, y)));
        if !clash && !back() {
            for at in &mut group {
                if *at == b {
                    *at = a;
                }
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (piece, group) in group.into_iter().enumerate() {
        groups.entry(group).or_default().push(piece);
    }
    groups.into_values().collect()
}

/// Whether a piece could be one change with another, whatever else there is.
pub(super) fn linked(a: &Piece, b: &Piece) -> bool {
    distance(a, b).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{any, prop, prop_assert_eq, proptest},
        sample::select,
    };

    use super::*;

    const MINUTE: i64 = 60 * 1_000_000;

    fn piece(id: &str, source: &str, version: &str, commit: &str, at: i64) -> Piece {
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned()).into_iter().collect();
        Piece {
            id: id.to_owned(),
            sources: set(source),
            loose: false,
            services: set("shop"),
            environments: set("production"),
            versions: set(version),
            commits: set(commit),
            back: false,
            from: at * MINUTE,
            to: at * MINUTE,
        }
    }

    fn names(pieces: &[Piece]) -> BTreeSet<BTreeSet<String>> {
        unite(pieces).iter().map(|g| g.iter().map(|i| pieces[*i].id.clone()).collect()).collect()
    }

    #[test]
    fn one_deploy_of_three_senders() {
        let pieces = [
            piece("github", "github", "", "abc1234def", 0),
            piece("grafana", "grafana", "2.4.1", "", 5),
            piece("argo", "argocd", "2.4.1", "abc1234", 3),
        ];
        assert_eq!(names(&pieces).len(), 1);
        assert_eq!(names(&pieces[..2]).len(), 2);
    }

    #[test]
    fn what_is_not_one() {
        let first = piece("a", "github", "1", "abc1234", 0);
        for other in [
            piece("b", "github", "1", "abc1234", 1),
            piece("b", "argocd", "2", "", 1),
            piece("b", "argocd", "1", "def5678", 1),
            piece("b", "argocd", "1", "", 31),
            Piece { services: BTreeSet::from(["api".to_owned()]), ..piece("b", "x", "1", "", 1) },
            Piece { environments: BTreeSet::new(), ..piece("b", "x", "1", "", 1) },
        ] {
            assert_eq!(names(&[first.clone(), other.clone()]).len(), 2, "{other:?}");
        }
    }

    #[test]
    fn a_rollback_is_not_the_deployment_it_goes_back_to() {
        let back = Piece { back: true, ..piece("rollback-2", "wayfarer", "1", "", 10) };
        for (began, one) in [(8, 2), (10, 1), (11, 1)] {
            let pieces = [back.clone(), piece("deploy-1", "github", "1", "", began)];
            assert_eq!(names(&pieces).len(), one, "{began}");
        }
        // What tells of the rollback as well does not join it with the first.
        let good = piece("deploy-1", "cli", "1", "", 8);
        let told = piece("deploy-2", "github", "1", "", 11);
        let three = names(&[back.clone(), good, told]);
        assert!(
            three.contains(&["rollback-2".to_owned(), "deploy-2".to_owned()].into()),
            "{three:?}"
        );
        let same = [back.clone(), Piece { back: true, ..piece("x", "argocd", "1", "", 8) }];
        assert_eq!(names(&same).len(), 1);
    }

    #[test]
    fn a_second_deploy_of_the_same_commit_stays_apart() {
        let pieces = [
            piece("first", "github", "", "abc1234", 0),
            piece("second", "github", "", "abc1234", 20),
            piece("argo-1", "argocd", "", "abc1234", 2),
            piece("argo-2", "argocd", "", "abc1234", 21),
        ];
        let of = |names: [&str; 2]| names.iter().map(|n| (*n).to_owned()).collect();
        let expected: BTreeSet<BTreeSet<String>> =
            [of(["first", "argo-1"]), of(["second", "argo-2"])].into();
        assert_eq!(names(&pieces), expected);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(
            rows in prop::collection::vec(
                (select(vec!["a", "b", "c"]), select(vec!["", "1", "2"]), select(vec!["", "abc1234", "def5678"]),
                 0..90_i64, any::<bool>()),
                1..12,
            ),
            turn in any::<prop::sample::Index>(),
        ) {
            let pieces: Vec<Piece> = rows
                .iter()
                .enumerate()
                .map(|(n, (source, version, commit, at, loose))| Piece {
                    loose: *loose,
                    ..piece(&format!("p{n}"), source, version, commit, *at)
                })
                .collect();
            let mut turned = pieces.clone();
            turned.rotate_left(turn.index(pieces.len()));
            prop_assert_eq!(names(&turned), names(&pieces));
            turned.reverse();
            prop_assert_eq!(names(&turned), names(&pieces));
        }
    }

    #[test]
    fn versions_and_hashes() {
        assert_eq!(plain_version("v2.4.1"), "2.4.1");
        assert_eq!(plain_version("vanilla"), "vanilla");
        assert!(same_commit("ABC123", "abc123ff") && !same_commit("abc12", "abc123ff"));
    }
}

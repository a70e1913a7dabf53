//! `wayfarer.toml`.

use serde_json::{Value, json};

use super::{
    action, hooks, kubernetes, pipelines, receiver,
    words::{
        any, count, default, defined, document, header_name, limited, link, list, map, name, named,
        number, one_key, percent, plain, set, size, table, template, text, time, time_or, truth,
        word,
    },
};
use crate::{
    config::{
        names::NameOf,
        settings::{
            agent::{DRAIN, LISTEN, MOST_CHECKS, WORKERS},
            browser::AT_ONCE,
            environments::{HIGHEST_RATE, MAX_RATE},
            secret::SCOPES,
        },
        units,
    },
    model::{BrowserSettings, Detect, Reader, Retention, Watch},
};

/// The schema of `wayfarer.toml`.
pub fn settings() -> Value {
    let places =
        named("The places where journeys run, by name.", name("", NameOf::Thing), environment());
    let services = named(
        "Who calls whom, by the names of services: blame follows these lines.",
        name("", NameOf::Service),
        service(),
    );
    let keys = vec![
        ("agent", agent()),
        ("browser", browser()),
        ("environments", places),
        ("watch", watch()),
        ("detect", detect()),
        ("services", services),
        ("retention", retention()),
        ("receiver", list("Who is told of findings and changes.", receiver::receiver())),
        ("maintenance", list("When nobody is told.", receiver::maintenance())),
        ("freeze", list("When nothing shall be deployed.", action::freeze())),
        ("view", list("What teams look at on the dashboard.", view())),
        ("rollback", list("How changes are undone.", action::rollback())),
        ("writeback", list("Forges that are told of changes.", action::writeback())),
        ("token", list("Who may use the API and the dashboard from other machines.", token())),
        ("hooks", hooks::hooks()),
        ("kubernetes", kubernetes::kubernetes()),
        ("pipelines", pipelines::pipelines()),
        (
            "place",
            list(
                "Where changes belong that do not say it; the first fitting rule fills what is missing.",
                hooks::place(),
            ),
        ),
    ];
    let root = table("The settings of a Wayfarer agent.", &[], keys);
    document("wayfarer.toml", vec![("secret", secret())], root)
}

fn agent() -> Value {
    let listen = "Address and port of API, dashboard and /metrics; another address than loopback needs a `[[token]]`.";
    let listen = json!({ "type": "string", "description": listen, "pattern": ":[0-9]+$" });
    table(
        "The agent itself.",
        &[],
        vec![
            (
                "location",
                default(
                    name("A label on every run: where the agent stands.", NameOf::Thing),
                    json!("local"),
                ),
            ),
            ("listen", default(listen, json!(LISTEN.to_string()))),
            (
                "data",
                default(
                    text("The data file; a relative path begins at the folder of this file."),
                    json!("wayfarer.db"),
                ),
            ),
            ("workers", default(count("Most runs under way at once.", 1..4096), json!(WORKERS))),
            ("drain", time_or("How long a stop waits for runs under way.", DRAIN)),
            ("self_check", self_check()),
            (
                "public_url",
                link("Where people find this agent: what links in messages begin with."),
            ),
            ("trace_url", trace_url()),
            (
                "anonymous",
                default(
                    truth(
                        "Whether whoever asks from this machine needs no token to see everything and to log changes.",
                    ),
                    json!(true),
                ),
            ),
            (
                "open_metrics",
                default(
                    truth("Whether /metrics needs no token, wherever it is asked from."),
                    json!(false),
                ),
            ),
        ],
    )
}

fn trace_url() -> Value {
    let about = "Where the trace of a run is looked at: `https://jaeger.example.com/trace/{trace_id}`; `{from_ms}` and `{to_ms}` may stand in it, too. Its requests then carry `traceparent`.";
    limited(link(about), json!({ "pattern": "^\\s*[hH][tT][tT][pP][sS]?:.*\\{trace_id\\}" }))
}

fn browser() -> Value {
    let had = BrowserSettings::default();
    let driver = "chromedriver or geckodriver, or the address of a driver or grid: `http://grid:4444`. Found in the PATH by itself.";
    let memory = json!(format!("{}MiB", had.memory_max_bytes >> 20));
    table(
        "How browsers are had on this machine.",
        &[],
        vec![
            ("driver", text(driver)),
            ("binary", text("The browser's program, where the driver does not find it.")),
            (
                "arguments",
                list("Words added to the browser's command line.", text("Such as `--lang=de`.")),
            ),
            ("at_once", default(count("Most browsers at once.", AT_ONCE), json!(had.at_once))),
            ("memory_max", default(size("Memory of a browser that fails its run."), memory)),
            ("queue", time_or("How long a run waits for its turn.", had.queue)),
        ],
    )
}

fn self_check() -> Value {
    let address = json!({
        "type": "string",
        "description": "An address without user, query or template.",
        "pattern": "^[hH][tT][tT][pP][sS]?://[^/?#@{]+(/[^?#{]*)?$",
    });
    let several = set("Several: most of them must fail.", address.clone());
    let several = limited(several, json!({ "maxItems": MOST_CHECKS }));
    any(
        "Addresses of others that are known to be good: what fails or slows down together with them is our own trouble.",
        vec![address, several],
    )
}

fn environment() -> Value {
    let rate = limited(
        number("Most runs a second that denser probing after a change may add."),
        json!({ "exclusiveMinimum": 0, "maximum": HIGHEST_RATE }),
    );
    let variables = || name("", NameOf::Variable);
    let ways = [
        (
            "base_url",
            link(
                "Where the site begins, without query or password; templates write `{{base_url}}`.",
            ),
        ),
        ("vars", named("Variables for templates; plain texts.", variables(), plain("A value."))),
        (
            "secrets",
            named(
                "Variables for templates that nobody may see: where each comes from.",
                variables(),
                defined("secret"),
            ),
        ),
        ("max_rate", default(rate, json!(MAX_RATE))),
        ("network", network()),
    ];
    table("A place where journeys run.", &[], ways.into_iter().chain(transport()).collect())
}

/// How the hosts of an environment are reached.
fn transport() -> Vec<(&'static str, Value)> {
    let certificate = table(
        "The certificate that the agent shows to servers.",
        &["certificate", "key"],
        vec![
            ("certificate", text("A PEM file below the folder of this one.")),
            ("key", defined("secret")),
        ],
    );
    let proxy =
        "The HTTP proxy that all requests go through: `http://user:{{password}}@proxy:3128`.";
    let proxy = json!({ "type": "string", "description": proxy, "pattern": "^http://" });
    let address = json!({ "type": "string", "description": "An address without a port.", "pattern": "^[0-9A-Fa-f]*[:.][0-9A-Fa-f:.]*$" });
    vec![
        ("proxy", proxy),
        (
            "ca",
            text(
                "A PEM file of authorities that are trusted besides the system's, below the folder of this file.",
            ),
        ),
        ("client_certificate", certificate),
        ("resolve", map("Hosts with the address each has, whatever a resolver says.", address)),
        (
            "traceparent",
            truth(
                "Whether requests carry `traceparent` (W3C Trace Context); they do where there is a `trace_url`.",
            ),
        ),
        ("trace_url", trace_url()),
        (
            "insecure",
            default(
                truth(
                    "Takes any certificate, so that whoever answers may not be whom the journeys ask.",
                ),
                json!(false),
            ),
        ),
        (
            "headers",
            named(
                "Headers of every request; a step's own win.",
                header_name(""),
                template("A template."),
            ),
        ),
    ]
}

/// What a rule for hosts may be.
const PLACE: &str = "A network (`10.0.0.0/8`), an address, a host (`shop.internal`), or all hosts below one (`*.shop.internal`).";

fn network() -> Value {
    table(
        "Where steps may go. Link-local addresses and metadata services are never reached, unless a rule as narrow allows it.",
        &[],
        vec![
            (
                "allow",
                limited(list("Nothing else is reached.", text(PLACE)), json!({ "minItems": 1 })),
            ),
            ("deny", list("Never reached, whatever is allowed.", text(PLACE))),
        ],
    )
}

/// Where a secret comes from.
fn secret() -> Value {
    let variable = "A variable of the agent's environment.";
    let keys = vec![
        (
            "env",
            json!({ "type": "string", "description": variable, "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
        ),
        (
            "file",
            text(
                "A file; a relative path begins at the folder of this file. A line break at its end is not part of the secret.",
            ),
        ),
        (
            "command",
            limited(
                list(
                    "A program and its arguments, without a shell; what it prints within 10 s.",
                    json!({ "type": "string" }),
                ),
                json!({ "minItems": 1 }),
            ),
        ),
    ];
    one_key(table("Where a secret comes from: it never stands in the file itself.", &[], keys))
}

fn watch() -> Value {
    let watch = Watch::default();
    let burst = any(
        "How often journeys are walked while a change is watched; false for no oftener than usual.",
        vec![
            time("How often."),
            json!({ "const": false, "description": "No oftener than usual." }),
        ],
    );
    let burst = default(burst, json!(watch.burst.map_or_else(String::new, units::spell)));
    let runs = "And for at least so many runs of each journey.";
    table(
        "What happens after a change was logged.",
        &[],
        vec![
            ("window", time_or("A change is watched at least so long.", watch.window)),
            ("min_runs", default(count(runs, 1..100_000), json!(watch.min_runs))),
            (
                "smoke",
                default(
                    truth("Walk the journeys that a change maps to as soon as it is finished."),
                    json!(watch.smoke),
                ),
            ),
            ("burst", burst),
            ("settle", time_or("How long a cold start may look slow.", watch.settle)),
            ("overdue", time_or("A change under way for longer is overdue.", watch.overdue)),
        ],
    )
}

fn detect() -> Value {
    let detect = Detect::default();
    let share = |share: f64| json!(format!("{}%", (share * 1e4).round() / 100.0));
    let latency = table(
        "The smallest slow-down that matters.",
        &[],
        vec![
            (
                "relative",
                default(percent("As a share of the usual time."), share(detect.latency_relative)),
            ),
            ("absolute", time("And at least so much. Default: what the journey's own noise says.")),
        ],
    );
    let success = table(
        "The smallest loss of reliability that matters.",
        &[],
        vec![(
            "drop",
            default(
                percent("In percentage points of the success rate."),
                share(detect.success_drop),
            ),
        )],
    );
    let confidence = limited(
        number(
            "0.995 means at most one false verdict in 200 changes, over all looks and all journeys of each.",
        ),
        json!({ "minimum": 0.5, "exclusiveMaximum": 1 }),
    );
    table(
        "What counts as a shift: it must be both probable and big enough to matter.",
        &[],
        vec![
            ("latency", latency),
            ("success", success),
            ("confidence", default(confidence, json!(detect.confidence))),
        ],
    )
}

fn service() -> Value {
    table(
        "A service.",
        &[],
        vec![
            ("depends_on", set("The services it calls.", name("A service.", NameOf::Service))),
            ("owner", text("Who looks after it.")),
            (
                "hosts",
                list("Its hosts: a failure that names one of them points at it.", text(PLACE)),
            ),
            (
                "commit_url",
                link(
                    "Where its commits are shown: `https://git.example.com/shop/commit/{commit}`.",
                ),
            ),
        ],
    )
}

fn retention() -> Value {
    let kept = Retention::default();
    let most = json!(format!("{}MiB", kept.evidence_max >> 20));
    let evidence =
        "What failed runs sent and got, with the last good run's; at most as long as `runs`.";
    table(
        "How long what is kept.",
        &[],
        vec![
            ("runs", time_or("Every run with its steps and phases.", kept.runs)),
            ("evidence", time_or(evidence, kept.evidence)),
            (
                "evidence_max",
                default(size("Most that evidence takes; the oldest goes first."), most),
            ),
            (
                "rollups",
                time_or("What is left of older runs: histograms of five minutes.", kept.rollups),
            ),
        ],
    )
}

fn token() -> Value {
    table(
        "Who may use the API.",
        &["name", "scope", "secret"],
        vec![
            ("name", name("What the log calls it; unique.", NameOf::Thing)),
            (
                "scope",
                word(
                    "What it allows: to read, to log changes as well, or everything.",
                    &SCOPES.iter().map(|(word, _)| *word).collect::<Vec<_>>(),
                ),
            ),
            ("secret", defined("secret")),
        ],
    )
}

fn view() -> Value {
    let readers: Vec<&str> = Reader::ALL.iter().map(|reader| reader.as_str()).collect();
    let who = "Who reads it: is all right now, what did my changes do, or how does it feel to users by the week.";
    table(
        "What a team looks at on the dashboard, by a name beside the views that are always there.",
        &["name"],
        vec![
            ("name", text("What it is called; unique.")),
            ("view", default(word(who, &readers), json!("operator"))),
            ("service", name("Journeys and changes of this service.", NameOf::Service)),
            ("environment", name("In this environment.", NameOf::Thing)),
            ("owner", text("Of what this owner looks after.")),
        ],
    )
}

//! Makes a world: customers in parallel groups, then what depends on all of them, then everything under its name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use crate::customers::{GROUP, Outcome, Shared, Subscriber};
use crate::paired::{Tally, pairs};
use crate::population::Signups;
use crate::rows::{Catalogue, EXPOSURES, FeedRow, TABLES, TRUE_USERS};
use crate::shop::Shop;
use crate::tickets::Span;
use crate::write::{Encoder, Finished, TableFile, write_table};
use crate::{DemoError, Progress, Summary, TableSummary, World};
use crate::{cloud, customers, feed, marketing, organisation, subscriptions, truth};

/// What all groups leave together.
pub(crate) struct Gathered {
    pub(crate) subscribers: Vec<Subscriber>,
    pub(crate) feed: BTreeMap<u16, Vec<FeedRow>>,
    pub(crate) pairs: Vec<(Tally, Tally)>,
    pub(crate) caused: [(i64, Tally); 5],
    pub(crate) spans: Vec<Span>,
}

/// Writes all tables of a world below `data`, and its truths below `truths`, which must not be inside `data`.
///
/// Files are written under temporary names and renamed when all are complete, so a failure leaves an earlier world as
/// it was. The bytes depend on seed and scale only. `progress` is called from the calling thread.
pub fn generate(world: &World, data: &Path, truths: &Path, progress: &dyn Fn(Progress)) -> Result<Summary, DemoError> {
    if !(0.001..=100.0).contains(&world.scale) {
        return Err(DemoError::Scale(world.scale));
    }
    let mut files = Files {
        data: Vec::new(),
        truth: Vec::new(),
    };
    let stages = make(world, data, truths, progress, &mut files)?;
    let mut summary = Summary {
        tables: Vec::new(),
        stages,
    };
    for (list, is_truth) in [(&mut files.data, false), (&mut files.truth, true)] {
        for file in list {
            file.publish()?;
            let (name, rows, bytes) = (file.name.clone(), file.rows, file.bytes);
            summary.tables.push(TableSummary {
                name,
                rows,
                bytes,
                truth: is_truth,
            });
        }
    }
    Ok(summary)
}

struct Files {
    data: Vec<Finished>,
    truth: Vec<Finished>,
}

type Stages = Vec<(&'static str, std::time::Duration)>;

fn make(
    world: &World,
    data: &Path,
    truths: &Path,
    progress: &dyn Fn(Progress),
    files: &mut Files,
) -> Result<Stages, DemoError> {
    let mut stages: Stages = Vec::new();
    let mut clock = Instant::now();
    let mut lap = |name: &'static str, stages: &mut Stages| {
        stages.push((name, clock.elapsed()));
        clock = Instant::now();
    };
    let campaign = marketing::campaign(world.seed, world.scale);
    let signups = Signups::draw(world.seed, world.scale, &campaign);
    lap("sign-ups", &mut stages);

    let groups = signups.all.len().div_ceil(GROUP);
    let total = groups as u64 + 4;
    let report = |stage, done: usize| {
        progress(Progress {
            stage,
            done: done as u64,
            total,
        })
    };
    report("customers", 0);
    let shop = Shop::new(world.seed);
    let catalogue = Catalogue::new(world.seed);
    let pairs = pairs();
    let shared = Shared {
        shop: &shop,
        signups: &signups,
        pairs: &pairs,
        catalogue: &catalogue,
    };
    let mut tables = Vec::with_capacity(TABLES.len());
    let mut encoders = Vec::with_capacity(TABLES.len());
    for layout in TABLES {
        let (file, encoder) = TableFile::create(data, layout)?;
        tables.push(file);
        encoders.push(encoder);
    }
    let (mut true_users, true_encoder) = TableFile::create(truths, &TRUE_USERS)?;
    let mut gathered = Gathered {
        subscribers: Vec::new(),
        feed: BTreeMap::new(),
        pairs: vec![(Tally::default(), Tally::default()); pairs.len()],
        caused: [(0, Tally::default()); 5],
        spans: Vec::new(),
    };
    in_order(
        world.threads,
        groups,
        &shared,
        &encoders,
        &true_encoder,
        |group, outcome| {
            for (file, rows) in tables.iter_mut().zip(outcome.tables) {
                file.append(rows)?;
            }
            true_users.append(outcome.truth)?;
            gathered.subscribers.extend(outcome.subscribers);
            gathered.spans.extend(outcome.spans);
            for (day, rows) in outcome.feed {
                gathered.feed.entry(day).or_default().extend(rows);
            }
            for (sum, part) in gathered.pairs.iter_mut().zip(&outcome.pairs) {
                sum.0.add(&part.0);
                sum.1.add(&part.1);
            }
            for (sum, part) in gathered.caused.iter_mut().zip(&outcome.caused) {
                sum.0 += part.0;
                sum.1.add(&part.1);
            }
            report("customers", group + 1);
            Ok(())
        },
    )?;
    lap("customers", &mut stages);

    let subs = subscriptions::simulate(world.seed, &gathered.subscribers);
    // Exposures of E3 follow from all subscribers, so they are the last row group.
    for ((file, encoder), layout) in tables.iter_mut().zip(&encoders).zip(TABLES) {
        if layout.name == EXPOSURES.name {
            file.append(encoder.encode(groups, subs.exposures.clone())?)?;
        }
    }
    for file in tables {
        files.data.push(file.finish()?);
    }
    files.truth.push(true_users.finish()?);
    files.data.push(write_table(
        data,
        &subscriptions::SUBSCRIPTIONS,
        subs.subscriptions.clone(),
    )?);
    files
        .data
        .push(write_table(data, &subscriptions::SUB_MONTHS, subs.months.clone())?);
    files.truth.push(write_table(
        truths,
        &subscriptions::TRUE_MONTHS,
        subs.true_months.clone(),
    )?);
    files
        .truth
        .push(write_table(truths, &subscriptions::TRUE_VALUES, subs.values.clone())?);
    lap("subscriptions", &mut stages);
    report("feed", groups + 1);

    let days = std::mem::take(&mut gathered.feed);
    files.data.extend(feed::write(data, &catalogue, days)?);
    lap("feed", &mut stages);
    report("company", groups + 2);

    files.data.push(marketing::write(data, &campaign)?);
    files.data.extend(cloud::write(world.seed, data)?);
    let organisation = organisation::write(world.seed, data, truths)?;
    files.data.extend(organisation.data);
    files.truth.extend(organisation.truth);
    lap("company", &mut stages);
    report("truths", groups + 3);

    files
        .truth
        .extend(truth::write(world, truths, &campaign, &pairs, &gathered, &subs)?);
    lap("truths", &mut stages);
    report("done", groups + 4);
    Ok(stages)
}

/// Runs groups on threads and hands their outcomes over in order of number.
fn in_order(
    threads: usize,
    groups: usize,
    shared: &Shared<'_>,
    encoders: &[Encoder],
    truth: &Encoder,
    mut take: impl FnMut(usize, Outcome) -> Result<(), DemoError>,
) -> Result<(), DemoError> {
    let next = AtomicUsize::new(0);
    let users = shared.signups.all.len();
    // A rendezvous per thread bounds what waits to be written.
    let (sender, receiver) = mpsc::sync_channel(threads.max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, groups.max(1)) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let group = next.fetch_add(1, Ordering::Relaxed);
                    if group >= groups {
                        return;
                    }
                    let positions = group * GROUP..((group + 1) * GROUP).min(users);
                    let outcome = customers::live(shared, encoders, truth, group, positions);
                    if sender.send((group, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        // Owned here, so that leaving early closes the channel and no thread waits for ever to hand over.
        let receiver = receiver;
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (group, outcome) in &receiver {
            waiting.insert(group, outcome?);
            while let Some(outcome) = waiting.remove(&due) {
                take(due, outcome)?;
                due += 1;
            }
        }
        if due == groups { Ok(()) } else { Err(DemoError::Thread) }
    })
}

//! The engine's thread: takes requests in, plans a step, runs it, samples, hands events out.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::Receiver;

use crate::batch::Batch;
use crate::engine::{EngineConfig, Shared};
use crate::event::{Done, Event};
use crate::exec::Exec;
use crate::generation::{Generation, Setting};
use crate::outbox::MOST_UNDELIVERED;
use crate::scheduler::{Grant, Scheduler};
use crate::sequence::{Ended, Sequence, Task};
use crate::{Error, Result};

/// What the handle asks of the thread.
#[derive(Debug)]
pub(crate) enum Command {
    /// Compute a sequence.
    Run(Sequence),
    /// Look at the flags.
    Wake,
}

/// The state of the thread.
pub(crate) struct Worker {
    exec: Box<dyn Exec>,
    setting: Setting,
    shared: Arc<Shared>,
    inbox: Receiver<Command>,
    scheduler: Scheduler,
    batch: Batch,
    grants: Vec<Grant>,
    logits: Vec<f32>,
    events: Vec<Event>,
}

/// The body of the thread. A panic below ends the engine, not the process: every live request gets
/// an error event, and the handle says that the engine is closed.
pub(crate) fn run(mut worker: Worker) {
    let done = match catch_unwind(AssertUnwindSafe(|| worker.serve())) {
        Ok(()) => Done::Cancelled,
        Err(panic) => Done::Error(format!("the engine failed: {}", panic_text(&*panic))),
    };
    worker.finish(&done);
    // Freeing the model of an executor that panicked may panic again.
    drop(catch_unwind(AssertUnwindSafe(|| drop(worker))));
}

impl Worker {
    /// The worker of a new engine.
    pub(crate) fn new(
        exec: Box<dyn Exec>,
        setting: Setting,
        config: EngineConfig,
        shared: Arc<Shared>,
        inbox: Receiver<Command>,
    ) -> Self {
        let kv_blocks = config.limits(0).kv_blocks;
        Self {
            exec,
            setting,
            shared,
            inbox,
            scheduler: Scheduler::new(
                config.parallel,
                config.prefill_rows(),
                kv_blocks,
                config.texts.encoder,
            ),
            batch: Batch::default(),
            grants: Vec::new(),
            logits: vec![0.0; config.n_vocab],
            events: Vec::new(),
        }
    }

    fn serve(&mut self) {
        while self.take_in() {
            self.sweep();
            self.step();
            self.sweep();
            self.hand_out();
        }
    }

    /// Takes in what has come, and waits for it if there is nothing else to do. False: the end.
    fn take_in(&mut self) -> bool {
        if self.scheduler.is_idle() {
            match self.inbox.recv() {
                Ok(command) => self.take(command),
                Err(_) => return false,
            }
        }
        while let Ok(command) = self.inbox.try_recv() {
            self.take(command);
        }
        !self.shared.closing.load(Ordering::Acquire)
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Run(sequence) => self.scheduler.add(sequence),
            Command::Wake => {}
        }
    }

    fn step(&mut self) {
        self.plan();
        if self.grants.is_empty() {
            return;
        }
        let begin = Instant::now();
        for sequence in self.granted() {
            sequence.begin_step(begin);
        }
        match self.run() {
            Ok(()) => self.commit(Instant::now()),
            Err(error) => {
                let why = error.to_string();
                for sequence in self.granted() {
                    sequence.ended = Some(Ended::Failed(why.clone()));
                }
            }
        }
    }

    /// Runs the executor, and beside it computes what the step may draw.
    fn run(&mut self) -> Result<()> {
        let mut grants = self.grants.iter().peekable();
        let running = self.scheduler.running().iter_mut().enumerate();
        let mut drawing: Vec<&mut Generation> = running
            .filter_map(|(index, sequence)| {
                let grant = grants.next_if(|grant| grant.index == index)?;
                sequence.drawing(&grant.heads)
            })
            .filter(|generation| generation.is_constrained())
            .collect();
        if drawing.is_empty() {
            return self.exec.run(&self.batch);
        }
        let (exec, batch) = (&mut self.exec, &self.batch);
        rayon::in_place_scope(|scope| {
            for generation in drawing.drain(..) {
                scope.spawn(move |_| generation.prepare());
            }
            exec.run(batch)
        })
    }

    /// Plans until every sequence of the plan has its blocks.
    fn plan(&mut self) {
        while let Err((index, error)) = self.scheduler.plan(&mut self.batch, &mut self.grants) {
            if let Some(sequence) = self.scheduler.running().get_mut(index) {
                sequence.ended = Some(Ended::Failed(error.to_string()));
            }
            self.sweep();
        }
    }

    /// The sequences of the step.
    fn granted(&mut self) -> impl Iterator<Item = &mut Sequence> {
        let mut grants = self.grants.iter().peekable();
        let running = self.scheduler.running().iter_mut().enumerate();
        running.filter_map(move |(index, sequence)| {
            let granted = grants.next_if(|grant| grant.index == index);
            granted.map(|_| sequence)
        })
    }

    fn commit(&mut self, ready: Instant) {
        for grant in &self.grants {
            let Some(sequence) = self.scheduler.running().get_mut(grant.index) else {
                continue;
            };
            let (exec, logits) = (self.exec.as_mut(), self.logits.as_mut_slice());
            match sequence.commit(grant, exec, logits, &self.setting, ready) {
                Ok(event) => self.events.extend(event),
                Err(error) => sequence.ended = Some(Ended::Failed(error.to_string())),
            }
        }
    }

    /// Takes out what ended or was cancelled.
    fn sweep(&mut self) {
        let gone = |s: &Sequence| s.ended.is_some() || s.is_cancelled();
        for sequence in self.scheduler.remove(gone) {
            self.say_last(sequence, &Done::Cancelled);
        }
    }

    /// The last word on a sequence; `done` where it did not end by itself.
    fn say_last(&mut self, sequence: Sequence, done: &Done) {
        let done = match (sequence.ended, &sequence.task) {
            (Some(Ended::Complete), Task::Generate(_)) => return,
            (Some(Ended::Complete), Task::Pass(_) | Task::Embed(_)) => None,
            (Some(Ended::Failed(why)), _) => Some(Done::Error(why)),
            (None, _) => Some(done.clone()),
        };
        match (sequence.task, done) {
            (Task::Generate(generation), done) => self.events.push(generation.event(done)),
            (Task::Pass(pass), done) => pass.finish(done.map(failure)),
            (Task::Embed(embedding), done) => embedding.finish(done.map(failure)),
        }
    }

    /// Publishes the step: first what the handle counts, then the events.
    fn hand_out(&mut self) {
        loop {
            self.publish();
            let too_many = self.shared.outbox.push(&mut self.events);
            if too_many.is_empty() {
                return;
            }
            let slow = |s: &Sequence| match &s.task {
                Task::Generate(generation) => too_many.contains(&generation.id()),
                Task::Pass(_) | Task::Embed(_) => false,
            };
            let why = format!("{MOST_UNDELIVERED} events of the request were not read");
            for sequence in self.scheduler.remove(slow) {
                self.say_last(sequence, &Done::Error(why.clone()));
            }
        }
    }

    fn publish(&self) {
        let free = self.scheduler.free_blocks();
        self.shared.free_blocks.store(free, Ordering::Release);
        let mut ended = self.events.iter().filter(|e| e.done.is_some()).peekable();
        if ended.peek().is_some() {
            let mut registry = self.shared.registry.lock();
            for event in ended {
                registry.live.remove(&event.id);
            }
        }
    }

    /// The end: nothing is taken any more, and every live request hears `done`.
    fn finish(&mut self, done: &Done) {
        let shared = Arc::clone(&self.shared);
        let mut registry = shared.registry.lock();
        registry.closed = true;
        while let Ok(command) = self.inbox.try_recv() {
            self.take(command);
        }
        for sequence in self.scheduler.remove(|_| true) {
            self.say_last(sequence, done);
        }
        for event in self.events.iter().filter(|event| event.done.is_some()) {
            registry.live.remove(&event.id);
        }
        // A panic may have lost a sequence on its way.
        self.events
            .extend(registry.live.drain().map(|(id, _)| Event {
                id,
                done: Some(done.clone()),
                ..Event::default()
            }));
        let free = self.scheduler.free_blocks();
        shared.free_blocks.store(free, Ordering::Release);
        shared.outbox.push(&mut self.events);
        shared.outbox.signal();
    }
}

/// How a sequence failed that has an answer and no events.
fn failure(done: Done) -> Error {
    match done {
        Done::Error(why) => Error::Request(why),
        _ => Error::Closed,
    }
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

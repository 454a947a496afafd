//! Membership and committed offsets.

use std::time::Duration;

use super::scene::Scene;
use crate::log::{Batch, CommittedOffset, Group, GroupEvent, Isolation, Log, Offsets};
use crate::record::TopicPartition;
use crate::{Kind, Result};

/// Offset and metadata, per partition; what was not committed is absent.
pub fn committed_offsets_come_back_with_their_metadata(log: &dyn Log) {
    let scene = Scene::new(log, "committed", 3);
    let mut admin = log.admin().unwrap();
    let all = [0, 1, 2].map(|partition| scene.partition(partition));
    assert_eq!(admin.committed(&scene.topic, &all).unwrap(), Offsets::new());
    let group = log.join(&scene.member("one", 1)).unwrap();
    assert_eq!(group.group_id(), scene.topic);
    group.commit(&Offsets::new()).unwrap();
    let first = [offset(&all[0], 7, "AgAAAAAAAAPo"), offset(&all[1], 0, "")].into();
    group.commit(&first).unwrap();
    assert_eq!(admin.committed(&scene.topic, &all).unwrap(), first);
    group.commit(&[offset(&all[0], 9, "")].into()).unwrap();
    let expect = [offset(&all[0], 9, ""), offset(&all[1], 0, "")].into();
    assert_eq!(admin.committed(&scene.topic, &all).unwrap(), expect);
    assert_eq!(admin.committed(&scene.topic, &all[2..]).unwrap(), Offsets::new());
    assert_eq!(admin.committed(&scene.topic, &[]).unwrap(), Offsets::new());
    group.leave().unwrap();
    assert_eq!(admin.committed(&scene.topic, &all).unwrap(), expect, "offsets outlive the member");
}

/// What one group has read is nothing to another.
pub fn offsets_belong_to_their_group(log: &dyn Log) {
    let scene = Scene::new(log, "group-a", 1);
    let other = Scene::new(log, "group-b", 1);
    let partition = scene.partition(0);
    let (mine, yours) = (log.join(&scene.member("one", 1)).unwrap(), log.join(&other.member("two", 2)).unwrap());
    mine.commit(&[offset(&partition, 3, "mine")].into()).unwrap();
    yours.commit(&[offset(&partition, 5, "yours")].into()).unwrap();
    let mut admin = log.admin().unwrap();
    for (group, expect) in [(&scene.topic, (3, "mine")), (&other.topic, (5, "yours"))] {
        let told = admin.committed(group, std::slice::from_ref(&partition)).unwrap();
        assert_eq!(told, [offset(&partition, expect.0, expect.1)].into());
    }
    mine.leave().unwrap();
    yours.leave().unwrap();
}

/// The newcomer is told who runs; the one that runs does not notice, not even in its commits.
pub fn a_second_instance_is_refused_and_the_first_goes_on(log: &dyn Log) {
    let scene = Scene::new(log, "second", 1);
    let first = log.join(&scene.member("first-instance", 1)).unwrap();
    for round in 1..=2 {
        let error = refused(log.join(&scene.member("second-instance", 2)));
        assert!(error.contains(&scene.topic) && error.contains("first-instance"), "{error}");
        first.commit(&[offset(&scene.partition(0), round, "")].into()).unwrap();
        assert_eq!(first.poll(), None);
    }
    let told = log.admin().unwrap().committed(&scene.topic, &[scene.partition(0)]).unwrap();
    assert_eq!(told, [offset(&scene.partition(0), 2, "")].into());
    first.leave().unwrap();
}

/// Whoever comes first, it is one; the others are refused.
#[expect(clippy::disallowed_methods, reason = "instances that start at once are threads here")]
pub fn of_instances_that_start_at_once_one_runs(log: &dyn Log) {
    let scene = Scene::new(log, "at-once", 1);
    let members: Vec<_> = (1..=3).map(|process| scene.member(&format!("instance-{process}"), process)).collect();
    let joined: Vec<Result<Box<dyn Group>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = members.iter().map(|member| scope.spawn(|| log.join(member))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut runs = Vec::new();
    for result in joined {
        match result {
            Ok(group) => runs.push(group),
            Err(error) => assert_eq!(error.kind(), Kind::Refused, "{error}"),
        }
    }
    assert_eq!(runs.len(), 1);
    runs[0].commit(&[offset(&scene.partition(0), 1, "")].into()).unwrap();
    runs[0].leave().unwrap();
}

/// After leaving, the next one need not wait for a session to run out.
pub fn a_place_that_was_left_is_free_at_once(log: &dyn Log) {
    let scene = Scene::new(log, "left", 1);
    let first = log.join(&scene.member("one", 1)).unwrap();
    first.commit(&[offset(&scene.partition(0), 4, "")].into()).unwrap();
    first.leave().unwrap();
    assert_eq!(first.poll(), None, "whoever leaves knows it");
    let late = first.commit(&[offset(&scene.partition(0), 5, "")].into()).unwrap_err();
    assert_eq!(late.kind(), Kind::Migrated, "{late}");
    let second = log.join(&scene.member("two", 2)).unwrap();
    assert_ne!(second.member_id(), first.member_id());
    second.commit(&[offset(&scene.partition(0), 6, "")].into()).unwrap();
    second.leave().unwrap();
}

/// A process that has died without leaving takes its place back with the id it kept, although its session still runs.
pub fn a_kept_member_id_takes_the_place_back(log: &dyn Log) {
    let scene = Scene::new(log, "taken-back", 1);
    let mut member = scene.member("one", 1);
    member.session_timeout = Duration::from_secs(30);
    let first = log.join(&member).unwrap();
    let (id, generation) = (first.member_id(), first.generation());
    assert!(!id.is_empty());
    drop(first);
    let again = log.join(&crate::log::Member { member_id: Some(id.clone()), ..member.clone() }).unwrap();
    assert_eq!(again.member_id(), id);
    assert!(again.generation() > generation);
    again.commit(&[offset(&scene.partition(0), 8, "")].into()).unwrap();
    again.leave().unwrap();
    // An id that nobody knows any more is no obstacle.
    let fresh = log.join(&crate::log::Member { member_id: Some(id), ..member }).unwrap();
    fresh.commit(&[offset(&scene.partition(0), 9, "")].into()).unwrap();
    fresh.leave().unwrap();
}

/// A member whose place is gone is told once, and its commits are refused and leave the offsets alone.
pub fn a_member_that_is_out_commits_nothing(log: &dyn Log) {
    let scene = Scene::new(log, "out", 1);
    let member = scene.member("one", 1);
    let first = log.join(&member).unwrap();
    first.commit(&[offset(&scene.partition(0), 1, "")].into()).unwrap();
    // Its place is taken by a twin that leaves, as if the session had run out.
    let twin = log.join(&crate::log::Member { member_id: Some(first.member_id()), ..member }).unwrap();
    twin.leave().unwrap();
    let error = first.commit(&[offset(&scene.partition(0), 2, "")].into()).unwrap_err();
    assert_eq!(error.kind(), Kind::Migrated, "{error}");
    assert!(matches!(first.poll(), Some(GroupEvent::Lost { .. })));
    assert_eq!(first.poll(), None);
    let told = log.admin().unwrap().committed(&scene.topic, &[scene.partition(0)]).unwrap();
    assert_eq!(told, [offset(&scene.partition(0), 1, "")].into());
    let next = log.join(&scene.member("two", 2)).unwrap();
    assert_eq!(first.commit(&[offset(&scene.partition(0), 3, "")].into()).unwrap_err().kind(), Kind::Migrated);
    next.leave().unwrap();
}

/// Generations grow, so that a commit can be told from that of an earlier member.
pub fn a_generation_grows_with_each_member(log: &dyn Log) {
    let scene = Scene::new(log, "generation", 1);
    let mut last = -1;
    for process in 1..=3 {
        let group = log.join(&scene.member("one", process)).unwrap();
        assert!(group.generation() > last);
        last = group.generation();
        group.leave().unwrap();
    }
}

/// One membership serves all threads of an instance.
#[expect(clippy::disallowed_methods, reason = "the threads of an instance are threads here")]
pub fn all_threads_commit_through_one_membership(log: &dyn Log) {
    let scene = Scene::new(log, "threads", 4);
    let group = log.join(&scene.member("one", 1)).unwrap();
    std::thread::scope(|scope| {
        for partition in 0..4 {
            let (group, partition) = (&*group, scene.partition(partition));
            scope.spawn(move || {
                for number in 1..=5 {
                    group.commit(&[offset(&partition, number, "")].into()).unwrap();
                }
            });
        }
    });
    let all = [0, 1, 2, 3].map(|partition| scene.partition(partition));
    let expect: Offsets = all.iter().map(|partition| offset(partition, 5, "")).collect();
    assert_eq!(log.admin().unwrap().committed(&scene.topic, &all).unwrap(), expect);
    group.leave().unwrap();
    // Reading needs no membership.
    let mut consumer = log.consumer("reader", Isolation::ReadCommitted).unwrap();
    consumer.assign(&[]).unwrap();
    assert_eq!(consumer.poll(Duration::ZERO, 10, &mut Batch::default()).unwrap(), None);
}

pub(super) fn offset(partition: &TopicPartition, offset: i64, metadata: &str) -> (TopicPartition, CommittedOffset) {
    (partition.clone(), CommittedOffset { offset, metadata: metadata.to_owned() })
}

/// The message of a refusal.
fn refused(joined: Result<Box<dyn Group>>) -> String {
    let Err(error) = joined else { panic!("a second instance was let in") };
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    error.to_string()
}

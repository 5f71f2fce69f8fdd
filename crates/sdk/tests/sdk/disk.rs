use std::fs;

use pintle_core::{Floor, UnixTime};
use pintle_sdk::{Memory, Record, StorePart, disk::DiskStore};
use pintle_testkit::project::Project;

fn record(version: u64) -> Record {
    let mut memory = Memory::default();
    memory.state.floor = Some(Floor { recovery_seq: 0, version, claims_digest: [0; 32] });
    Record { config: Some(format!("file {version}").into_bytes()), memory }
}

#[test]
fn gives_back_what_it_was_given_and_keeps_roots_apart() {
    let dir = tempfile::tempdir().unwrap();
    let [ours, other] = [(); 2].map(|()| Project::new(&["https://cdn.example.test"]));
    let store = DiskStore::new(dir.path(), ours.root());
    assert_eq!(store.load().unwrap().record, Record::default());
    store.save(&record(1)).unwrap();
    assert_eq!(store.load().unwrap().record, record(1));
    assert_eq!(DiskStore::new(dir.path(), other.root()).load().unwrap().record, Record::default());
}

#[test]
fn never_lowers_a_floor_that_another_process_raised() {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::new(&["https://cdn.example.test"]);
    let [ours, theirs] = [(); 2].map(|()| DiskStore::new(dir.path(), project.root()));
    ours.save(&record(1)).unwrap();
    theirs.save(&record(3)).unwrap();
    ours.save(&record(2)).unwrap();
    assert_eq!(ours.load().unwrap().record, record(3));
}

#[test]
fn keeps_the_first_draw_and_the_later_time_floor() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::new(dir.path(), Project::new(&["https://cdn.example.test"]).root());
    let mut first = record(1);
    first.memory.draw = Some(7);
    first.memory.state.time_floor = UnixTime::from_secs(100);
    store.save(&first).unwrap();
    let mut second = record(2);
    second.memory.draw = Some(8);
    store.save(&second).unwrap();
    let kept = store.load().unwrap().record.memory;
    assert_eq!((kept.draw, kept.state.time_floor), (Some(7), UnixTime::from_secs(100)));
}

#[test]
fn a_recovery_voids_the_time_floor_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::new(dir.path(), Project::new(&["https://cdn.example.test"]).root());
    let mut of_the_thief = record(9);
    of_the_thief.memory.state.time_floor = UnixTime::from_secs(u64::MAX);
    store.save(&of_the_thief).unwrap();
    let mut recovered = record(1);
    recovered.memory.state.floor.as_mut().unwrap().recovery_seq = 2;
    store.save(&recovered).unwrap();
    assert_eq!(store.load().unwrap().record, recovered);
}

#[test]
fn damaged_memory_is_set_aside_and_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::new(dir.path(), Project::new(&["https://cdn.example.test"]).root());
    store.save(&record(1)).unwrap();
    let folder = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    fs::write(folder.join("state.json"), b"{").unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.set_aside, Some(StorePart::Memory));
    assert_eq!(loaded.record, Record { memory: Memory::default(), ..record(1) });
    assert_eq!(fs::read(folder.join("state.rejected")).unwrap(), b"{");
    assert!(store.load().unwrap().set_aside.is_none());
}

#[test]
fn leaves_nothing_temporary_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::new(dir.path(), Project::new(&["https://cdn.example.test"]).root());
    store.save(&record(1)).unwrap();
    let folder = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["lock", "pins.jws", "state.json"]);
}

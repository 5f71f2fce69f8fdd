use std::{fs, io::Write};

use pintle_core::{Floor, UnixTime, succession::Link};
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
fn never_takes_a_succession_back_that_another_process_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let project = Project::new(&["https://cdn.example.test"]);
    let [ours, theirs] = [(); 2].map(|()| DiskStore::new(dir.path(), project.root()));
    let link = |seq, project: &Project| Link {
        seq,
        key: *project.root().public_key(),
        signer: "whoever came before".to_owned(),
    };
    let mut succeeded = record(1);
    succeeded.memory.state.chain = vec![link(1, &project)];
    theirs.save(&succeeded).unwrap();
    // What the retired key still signs, for a process that has not heard of its successor.
    ours.save(&record(2)).unwrap();
    assert_eq!(ours.load().unwrap().record, succeeded);
    let mut aside = record(2);
    aside.memory.state.chain = vec![link(1, &Project::new(&["https://cdn.example.test"]))];
    ours.save(&aside).unwrap();
    assert_eq!(ours.load().unwrap().record, succeeded);

    let mut further = record(2);
    further.memory.state.chain = vec![link(1, &project), link(2, &project)];
    ours.save(&further).unwrap();
    assert_eq!(ours.load().unwrap().record, further);
    let mut recovered = record(1);
    recovered.memory.state.floor.as_mut().unwrap().recovery_seq = 3;
    ours.save(&recovered).unwrap();
    assert_eq!(ours.load().unwrap().record, recovered);
}

#[test]
fn keeps_the_first_of_two_releases_with_one_number() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::new(dir.path(), Project::new(&["https://cdn.example.test"]).root());
    store.save(&record(1)).unwrap();
    let mut other = record(1);
    other.memory.state.floor.as_mut().unwrap().claims_digest = [1; 32];
    store.save(&other).unwrap();
    assert_eq!(store.load().unwrap().record, record(1));
}

/// A pipe in place of the file holds the reader until the writer is through.
#[cfg(unix)]
#[test]
fn a_reader_that_a_writer_overtakes_sees_no_floor_above_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::new(dir.path(), Project::new(&["https://cdn.example.test"]).root());
    store.save(&record(1)).unwrap();
    let folder = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let file = folder.join("pins.jws");
    fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let reader = std::thread::spawn({
        let store = store.clone();
        move || store.load().unwrap().record
    });
    // Opens once the reader has opened it.
    let mut pipe = fs::OpenOptions::new().write(true).open(&file).unwrap();
    store.save(&record(2)).unwrap();
    pipe.write_all(b"file 1").unwrap();
    drop(pipe);
    assert_eq!(reader.join().unwrap(), record(1));
    assert_eq!(store.load().unwrap().record, record(2));
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

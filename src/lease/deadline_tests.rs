//! When a lease ends, and that it ends whenever it cannot be told.

use jiff::{SignedDuration, Timestamp};

use super::{Deadline, deadline};
use crate::lease::{Boot, LARGEST_USER_DATA, user_part};
use crate::resource::fixtures::{ago, live, mark, now, plain};
use crate::resource::{Lease, LiveInstance, tag};

fn user_data(lease: Lease, text: Option<&str>) -> String {
    let boot = Boot {
        seconds: lease.seconds(),
        distributed: false,
        user_data: text,
    };
    boot.user_data()
}

fn of(live: &LiveInstance) -> Deadline {
    deadline(live, &mark(live))
}

#[test]
fn a_lease_ends_its_length_after_the_first_launch() {
    for (lease, seconds) in [("10m", 600), ("12h", 43_200), ("1d12h", 129_600)] {
        let mut instance = plain("trainer");
        instance.lease = lease.parse().unwrap();
        let mut live = live(&instance);
        live.first_launched = Some(ago(seconds - 1));
        let end = now().checked_add(SignedDuration::from_secs(1)).unwrap();
        assert_eq!(of(&live), Deadline::At(end), "{lease}");
        assert_eq!(of(&live).seconds_left(now()), Some(1));
        assert!(!of(&live).is_over(now()));
        live.first_launched = Some(ago(seconds));
        assert_eq!(of(&live).seconds_left(now()), Some(0));
        assert!(of(&live).is_over(now()), "at its end it is over");
        live.first_launched = Some(ago(seconds + 60));
        assert_eq!(of(&live).seconds_left(now()), Some(-60));
        assert!(of(&live).is_over(now()));
    }
}

type Damage = fn(&mut LiveInstance);

#[test]
fn what_cannot_be_read_is_over() {
    let table: &[Damage] = &[
        |live| live.first_launched = None,
        |live| {
            live.tags.remove(tag::LEASE);
        },
        |live| {
            live.tags.insert(tag::LEASE.to_owned(), String::new());
        },
        |live| {
            live.tags.insert(tag::LEASE.to_owned(), "12".to_owned());
        },
        // Longer than any lease may be: nobody here wrote that.
        |live| {
            live.tags.insert(tag::LEASE.to_owned(), "99999d".to_owned());
        },
        |live| live.first_launched = Some(Timestamp::MAX),
    ];
    for damage in table {
        let mut live = live(&plain("trainer"));
        damage(&mut live);
        assert_eq!(of(&live), Deadline::Unreadable);
        assert!(of(&live).is_over(Timestamp::MIN));
        assert_eq!(of(&live).seconds_left(now()), None);
    }
}

#[test]
fn user_data_fits_to_the_last_byte_and_not_beyond() {
    let lease: Lease = "12h".parse().unwrap();
    let empty = user_data(lease, Some("#!\n")).len();
    let room = LARGEST_USER_DATA - empty;
    let full = format!("#!{}\n", "x".repeat(room));
    let data = user_data(lease, Some(&full));
    assert_eq!(data.len(), LARGEST_USER_DATA);
    assert_eq!(user_part(&data).as_deref(), Some(full.as_str()));
}

proptest::proptest! {
    #[test]
    fn any_user_data_comes_back(text in "(?s)#!.{0,300}") {
        let lease: Lease = "12h".parse().unwrap();
        let back = user_part(&user_data(lease, Some(&text)));
        let ended = if text.ends_with('\n') { text } else { text + "\n" };
        proptest::prop_assert_eq!(back, Some(ended));
    }
}

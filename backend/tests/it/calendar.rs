//! Calendars: what ends when, under a link that only its owner knows, as long as they are an admin.

use crate::support::{Seed, World, on_both_databases};
use backend::{
    access::AccessError,
    calendar::CalendarError,
    expiring::{Choice, StatusChoice},
};
use secrecy::ExposeSecret as _;

/// The last part of a link's path.
fn file(link: &str) -> &str {
    let (start, file) = link.rsplit_once('/').unwrap();
    assert_eq!(start, "https://patchbay.example/api/calendar");
    file
}

/// A calendar's lines, unfolded (RFC 5545, section 3.1). The space that begins a folded line is not counted by who folds it.
fn lines(calendar: &str) -> Vec<String> {
    for line in calendar.split("\r\n") {
        assert!(line.trim_start().len() <= 75 && !line.contains('\n'), "{line:?}");
    }
    calendar
        .replace("\r\n ", "")
        .split("\r\n")
        .map(ToOwned::to_owned)
        .collect()
}

on_both_databases! {
    async fn a_calendar_has_every_day_on_which_something_ends(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.runtime(&mira, "prod-eu").await;
        let seed = Seed { runtimes: 3, people: 40, now: 1_795_348_800_000 };
        seed.sow(&world.database_url()).await;
        let link = world.services.calendar.make_link(&mira).await.unwrap();
        let calendar = world.services.calendar.read(file(link.expose_secret())).await.unwrap();
        let lines = lines(&calendar);
        assert_eq!(lines.first().map(String::as_str), Some("BEGIN:VCALENDAR"));
        assert!(lines.contains(&"NAME:Git tokens of Acme".to_owned()));
        let days: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("DTSTART;VALUE=DATE:")).collect();
        assert!(days.len() > 10 && days.is_sorted());

        // Each leads to what it counts.
        let titles = lines.iter().filter(|line| line.starts_with("SUMMARY:"));
        for (day, title) in days.iter().zip(titles) {
            let date = domain::Timestamp::from_iso_date(&format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..])).unwrap();
            let choice = Choice {
                status: Some(StatusChoice::Working),
                from: Some(date),
                to: Some(date),
                ..Choice::default()
            };
            let page = world.services.expiring.page(&mira, &choice).await.unwrap();
            let backend::expiring::Rows::Tokens(tokens) = page.rows else { panic!("tokens") };
            let wanted = match tokens.as_slice() {
                [one] => format!("SUMMARY:A Git token ends: {} ({})", one.runtime, one.holder.as_ref().unwrap().0),
                many => format!("SUMMARY:{} Git tokens end", many.len()),
            };
            assert_eq!(*title, wanted);
        }
    }

    async fn a_new_link_ends_the_old_one_and_so_does_removing_it(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let calendar = &world.services.calendar;
        assert_eq!(calendar.link(&mira).await.unwrap().0, None);
        let old = calendar.make_link(&mira).await.unwrap();
        let new = calendar.make_link(&mira).await.unwrap();
        assert!(calendar.link(&mira).await.unwrap().0.is_some());
        let read = async |link: &secrecy::SecretString| calendar.read(file(link.expose_secret())).await;
        assert!(matches!(read(&old).await, Err(CalendarError::NotFound)));
        assert!(read(&new).await.is_ok());
        calendar.remove_link(&mira).await.unwrap();
        assert!(matches!(read(&new).await, Err(CalendarError::NotFound)));
        assert!(matches!(calendar.remove_link(&mira).await, Err(CalendarError::NotFound)));
        assert!(matches!(calendar.read("").await, Err(CalendarError::NotFound)));
    }

    async fn who_is_no_admin_any_more_has_no_calendar(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let link = world.services.calendar.make_link(&mira).await.unwrap();
        let member = world.mira_as_member().await;
        let read = world.services.calendar.read(file(link.expose_secret())).await;
        assert!(matches!(read, Err(CalendarError::NotFound)));
        let refused = world.services.calendar.make_link(&member).await;
        assert!(matches!(refused, Err(CalendarError::Access(AccessError::NotAdmin))));
    }
}

//! What stands on a page of an account, shown: a list, numbers, or numbers over time.

use super::{icon::icon, list::list, words::each};
use domain::page::{Bar, Block, Chart, Tile};
use leptos::prelude::*;

/// A block of a page.
pub(crate) fn block(block: Block) -> AnyView {
    match block {
        Block::List(things) => list(*things),
        Block::Tiles(label, tiles) => view! {
            <nav aria-label=label>
                <ul class="tiles" role="list">{each(tiles, tile)}</ul>
            </nav>
        }
        .into_any(),
        Block::Chart(numbers) => chart(numbers),
    }
}

fn tile(tile: Tile) -> AnyView {
    view! {
        <li>
            <a class=format!("tile {}", tile.tone) href=tile.to data-noscroll="" aria-current=tile.current.then_some("true")>
                <span class="tile-label">{icon(&tile.icon)} {tile.label}</span>
                <span class="tile-count">{tile.count}</span>
                <span class="sub">{tile.remark}</span>
            </a>
        </li>
    }
    .into_any()
}

/// Bars for those who see them, and a table of the same for everybody.
fn chart(chart: Chart) -> AnyView {
    let Chart {
        title,
        aside,
        table,
        heads,
        bars,
    } = chart;
    let width = bars.len() * 10;
    let drawn = bars.iter().enumerate().map(|(at, bar)| drawn(at, bar)).collect_view();
    let labels = bars
        .iter()
        .map(|bar| view! { <span>{bar.label.clone()}</span> }.into_any())
        .collect_view();
    let marks = bars
        .iter()
        .map(|bar| {
            let shown = (!bar.remark.is_empty()).then(|| bar.count.clone());
            view! { <span>{shown}</span> }.into_any()
        })
        .collect_view();
    view! {
        <section class="card chart">
            <header>
                <h2>{title}</h2>
                {(!aside.is_empty()).then(|| view! { <span class="sub">{aside}</span> })}
            </header>
            <div class="plot" aria-hidden="true">
                <div class="marks">{marks}</div>
                <svg viewBox=format!("0 0 {width} 100") preserveAspectRatio="none">{drawn}</svg>
                <div class="labels">{labels}</div>
            </div>
            <details>
                <summary>{table}</summary>
                <div class="scroller">
                    <table>
                        <thead>
                            <tr>{each(heads, |head| view! { <th scope="col">{head}</th> }.into_any())}</tr>
                        </thead>
                        <tbody>{each(bars, line)}</tbody>
                    </table>
                </div>
            </details>
        </section>
    }
    .into_any()
}

/// A bar, in a column ten wide.
fn drawn(at: usize, bar: &Bar) -> AnyView {
    let height: u32 = bar.height.parse().unwrap_or_default();
    let class = if bar.remark.is_empty() { "bar" } else { "bar marked" };
    view! {
        <rect class=class x=at * 10 + 1 y=100_u32.saturating_sub(height) width="8" height=height>
            <title>{format!("{}: {}", bar.name, bar.count)}</title>
        </rect>
    }
    .into_any()
}

/// The line of a bar in the table.
fn line(bar: Bar) -> AnyView {
    view! {
        <tr>
            <th scope="row"><a href=bar.to data-noscroll="">{bar.name}</a></th>
            <td>{bar.count}</td>
            <td>{bar.remark}</td>
        </tr>
    }
    .into_any()
}

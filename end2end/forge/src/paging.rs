//! Lists that come in pages.

/// The page that comes when none is asked for.
pub(crate) fn first() -> usize {
    1
}

/// A page of a list, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    number: usize,
    size: usize,
    total: usize,
}

impl Page {
    /// The page of this number out of `total` entries, as it was asked for: there is no page 0, and a page has between 1
    /// and 100 entries.
    pub(crate) fn new(number: usize, size: usize, total: usize) -> Self {
        Self {
            number: number.max(1),
            size: size.clamp(1, 100),
            total,
        }
    }

    pub(crate) fn number(self) -> usize {
        self.number
    }

    pub(crate) fn size(self) -> usize {
        self.size
    }

    pub(crate) fn total(self) -> usize {
        self.total
    }

    /// The number of the last page; 0 for a list without entries.
    pub(crate) fn last(self) -> usize {
        self.total.div_ceil(self.size)
    }

    /// The number of the page behind this one, if there is one.
    pub(crate) fn next(self) -> Option<usize> {
        self.number.checked_add(1).filter(|next| *next <= self.last())
    }

    /// What stands on it.
    pub(crate) fn of<T>(self, all: &[T]) -> impl Iterator<Item = &T> {
        all.iter()
            .skip((self.number - 1).saturating_mul(self.size))
            .take(self.size)
    }

    /// The header `Link` with the next page and the last one; none on the last page. `address` says where a page is.
    pub(crate) fn link(self, address: impl Fn(usize) -> String) -> Option<String> {
        let next = address(self.next()?);
        let last = address(self.last());
        Some(format!("<{next}>; rel=\"next\", <{last}>; rel=\"last\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_without_overlap() {
        let all = [1, 2, 3, 4, 5];
        let page = |number| Page::new(number, 2, all.len()).of(&all).copied().collect::<Vec<_>>();
        assert_eq!(
            [page(1), page(2), page(3), page(4)],
            [vec![1, 2], vec![3, 4], vec![5], vec![]]
        );
    }

    #[test]
    fn a_link_stands_on_every_page_but_the_last() {
        let link = |number| Page::new(number, 2, 5).link(|page| format!("/{page}"));
        assert_eq!(link(1).as_deref(), Some("</2>; rel=\"next\", </3>; rel=\"last\""));
        assert_eq!(link(3), None);
        assert_eq!(Page::new(1, 2, 0).link(|page| format!("/{page}")), None);
    }

    #[test]
    fn what_cannot_be_a_page_is_put_right() {
        let page = Page::new(0, 1000, 5);
        assert_eq!(
            (page.number(), page.size(), page.last(), page.next()),
            (1, 100, 1, None)
        );
        assert_eq!(Page::new(usize::MAX, 100, 5).of(&[1]).count(), 0);
    }
}

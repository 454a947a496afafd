//! Java's `TreeSet` where the order of its elements changes while it is filled, as that of a topology's nodes does when
//! `describe` links them: where an element goes depends on the path down the tree, so the tree is the same red-black one.

use std::cmp::Ordering;

/// Numbers in a red-black tree, each inserted where the order of that moment says.
#[derive(Debug, Default)]
pub(crate) struct TreeSet {
    nodes: Vec<TreeNode>,
    root: Option<usize>,
}

#[derive(Debug)]
struct TreeNode {
    value: usize,
    /// By `Side`.
    children: [Option<usize>; 2],
    parent: Option<usize>,
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Color {
    Red,
    Black,
}

/// The smaller or the greater child.
type Side = usize;
const SMALLER: Side = 0;
const GREATER: Side = 1;

impl TreeSet {
    /// Adds `value`, unless one that compares equal is met on its way down.
    pub(crate) fn insert(&mut self, value: usize, compare: impl Fn(usize, usize) -> Ordering) {
        let mut parent = None;
        let (mut at, mut side) = (self.root, SMALLER);
        while let Some(node) = at {
            side = match compare(value, self.nodes[node].value) {
                Ordering::Less => SMALLER,
                Ordering::Greater => GREATER,
                Ordering::Equal => return,
            };
            (parent, at) = (Some(node), self.nodes[node].children[side]);
        }
        let added = self.nodes.len();
        self.nodes.push(TreeNode { value, children: [None, None], parent, color: Color::Red });
        match parent {
            None => self.root = Some(added),
            Some(parent) => self.nodes[parent].children[side] = Some(added),
        }
        self.balance(added);
    }

    /// The values, smallest first.
    pub(crate) fn values(&self) -> Vec<usize> {
        let mut values = Vec::with_capacity(self.nodes.len());
        let mut path = Vec::new();
        let mut at = self.root;
        loop {
            while let Some(node) = at {
                path.push(node);
                at = self.nodes[node].children[SMALLER];
            }
            let Some(node) = path.pop() else { return values };
            values.push(self.nodes[node].value);
            at = self.nodes[node].children[GREATER];
        }
    }

    /// No red node has a red parent: `TreeMap.fixAfterInsertion`.
    fn balance(&mut self, added: usize) {
        let mut node = added;
        while let Some((parent, grandparent)) = self.red_parent(node) {
            let side = self.side_of(parent, grandparent);
            let uncle = self.nodes[grandparent].children[1 - side];
            if let Some(uncle) = uncle.filter(|uncle| self.nodes[*uncle].color == Color::Red) {
                self.nodes[parent].color = Color::Black;
                self.nodes[uncle].color = Color::Black;
                self.nodes[grandparent].color = Color::Red;
                node = grandparent;
                continue;
            }
            let mut upper = parent;
            if self.side_of(node, parent) != side {
                self.rotate(parent, side);
                (upper, node) = (node, parent);
            }
            self.nodes[upper].color = Color::Black;
            self.nodes[grandparent].color = Color::Red;
            self.rotate(grandparent, 1 - side);
        }
        if let Some(root) = self.root {
            self.nodes[root].color = Color::Black;
        }
    }

    /// The parent of `node` where it is red, and the parent's parent: the root is black, so a red node has one.
    fn red_parent(&self, node: usize) -> Option<(usize, usize)> {
        let parent = self.nodes[node].parent.filter(|parent| self.nodes[*parent].color == Color::Red)?;
        Some((parent, self.nodes[parent].parent?))
    }

    fn side_of(&self, node: usize, parent: usize) -> Side {
        if self.nodes[parent].children[SMALLER] == Some(node) { SMALLER } else { GREATER }
    }

    /// Turns `node` down to `side`; its child of the other side comes up.
    fn rotate(&mut self, node: usize, side: Side) {
        let Some(up) = self.nodes[node].children[1 - side] else { return };
        let inner = self.nodes[up].children[side];
        self.nodes[node].children[1 - side] = inner;
        if let Some(inner) = inner {
            self.nodes[inner].parent = Some(node);
        }
        let parent = self.nodes[node].parent;
        self.nodes[up].parent = parent;
        match parent {
            None => self.root = Some(up),
            Some(parent) => {
                let place = self.side_of(node, parent);
                self.nodes[parent].children[place] = Some(up);
            }
        }
        self.nodes[up].children[side] = Some(node);
        self.nodes[node].parent = Some(up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_an_order_that_stands_it_sorts() {
        let mut set = TreeSet::default();
        // Every step of 7 modulo 31 comes once, and once again.
        for step in 0..62 {
            set.insert(step * 7 % 31, |a, b| a.cmp(&b));
        }
        assert_eq!(set.values(), (0..31).collect::<Vec<_>>());
        let depth = |mut node: usize| {
            let mut depth = 1;
            while let Some(parent) = set.nodes[node].parent {
                (node, depth) = (parent, depth + 1);
            }
            depth
        };
        let deepest = (0..set.nodes.len()).map(depth).max();
        assert!(deepest <= Some(8), "{deepest:?}");
    }

    #[test]
    fn with_an_order_that_changes_an_element_goes_where_the_path_leads() {
        // 2 is at the root between 1 and 3 when 1 becomes the greatest: the path to 4 does not meet it.
        let mut set = TreeSet::default();
        for value in [1, 2, 3] {
            set.insert(value, |a, b| a.cmp(&b));
        }
        set.insert(4, |a, b| (a == 1, a).cmp(&(b == 1, b)));
        assert_eq!(set.values(), [1, 2, 3, 4]);
    }
}

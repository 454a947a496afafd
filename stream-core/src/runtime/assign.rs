//! Which thread runs which task: as many each as can be, the same ones at each start.

use crate::task::TaskId;

/// Deals the tasks to `threads`, in the order of subtopologies and partitions: the tasks of a subtopology, which cost
/// alike, are spread as evenly as all tasks are.
pub(crate) fn assign(tasks_by_subtopology: &[(u32, i32)], threads: usize) -> Vec<Vec<TaskId>> {
    let mut assigned = vec![Vec::new(); threads];
    let tasks = tasks_by_subtopology
        .iter()
        .flat_map(|(subtopology, count)| (0..*count).map(|partition| TaskId { subtopology: *subtopology, partition }));
    for (number, task) in tasks.enumerate() {
        assigned[number % threads].push(task);
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_spread_evenly_and_each_is_given_once() {
        for threads in 1..6 {
            let assigned = assign(&[(0, 4), (1, 3), (2, 0), (3, 5)], threads);
            let sizes: Vec<_> = assigned.iter().map(Vec::len).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
            let mut all: Vec<_> = assigned.concat();
            all.sort();
            assert_eq!(all.len(), 12);
            all.dedup();
            assert_eq!(all.len(), 12);
        }
    }
}

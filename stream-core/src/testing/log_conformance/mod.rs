//! The suite that every log must pass: plain functions over [`Log`](crate::log::Log), each a scenario.
//!
//! A function makes its own topics and groups under names that are free, so it can run again, and beside others, on a log
//! that lives on. What differs between logs is not in here: a log without transactions does not run [`transactions`].
//!
//! ```
//! # #[cfg(feature = "testing")]
//! mod my_log {
//!     fn log() -> stream_core::memory::MemoryLog {
//!         stream_core::memory::MemoryLog::new()
//!     }
//!     stream_core::log_conformance!(log());
//!     stream_core::log_transactions_conformance!(log());
//! }
//! ```

pub mod groups;
pub mod reading;
pub mod topics;
pub mod transactions;
pub mod writing;

mod scene;

/// A test for each scenario of the suite, over the log that the expression makes.
#[macro_export]
macro_rules! log_conformance {
    ($log:expr) => {
        $crate::log_conformance! { $log, writing:
            records_of_a_partition_come_back_in_their_order,
            null_and_empty_keys_and_values_stay_what_they_are,
            headers_come_back_with_their_bytes_in_order,
            timestamps_come_back_as_they_were,
            a_flush_makes_everything_visible_and_acknowledged,
            many_records_find_their_way_through_a_bounded_queue,
            a_record_for_a_partition_that_is_not_there_is_refused,
            a_topic_has_one_number,
        }
        $crate::log_conformance! { $log, reading:
            reading_starts_at_the_beginning_the_end_or_an_offset,
            an_offset_that_is_gone_is_told_and_nothing_is_read,
            several_offsets_that_are_gone_are_all_told,
            an_offset_past_the_end_is_gone,
            a_partition_goes_on_where_it_is,
            a_partition_without_a_position_is_refused,
            a_paused_partition_waits_and_loses_nothing,
            a_pause_that_lasts_loses_nothing,
            position_and_lag_follow_the_reader,
            a_poll_takes_no_more_than_it_is_told_to,
            numbers_of_partitions_follow_the_assignment,
            records_that_are_written_later_are_read,
            unknown_partitions_are_refused,
        }
        $crate::log_conformance! { $log, topics:
            a_topic_is_made_once_and_stays_as_it_is,
            topics_that_do_not_exist_are_absent,
            settings_of_a_topic_are_told,
            a_topic_that_no_log_takes_is_refused,
            deleted_records_move_the_beginning,
            unknown_topics_are_refused,
        }
        $crate::log_conformance! { $log, groups:
            committed_offsets_come_back_with_their_metadata,
            offsets_belong_to_their_group,
            a_second_instance_is_refused_and_the_first_goes_on,
            of_instances_that_start_at_once_one_runs,
            a_place_that_was_left_is_free_at_once,
            a_kept_member_id_takes_the_place_back,
            a_member_that_is_out_commits_nothing,
            a_generation_grows_with_each_member,
            all_threads_commit_through_one_membership,
        }
    };
    ($log:expr, $part:ident: $($scenario:ident,)*) => {$(
        #[test]
        fn $scenario() {
            $crate::testing::log_conformance::$part::$scenario(&$log);
        }
    )*};
}

/// A test for each scenario with transactions, over the log that the expression makes.
#[macro_export]
macro_rules! log_transactions_conformance {
    ($log:expr) => {
        $crate::log_conformance! { $log, transactions:
            a_committed_transaction_is_seen_as_a_whole,
            an_aborted_transaction_leaves_no_trace_for_readers_of_committed_records,
            positions_pass_the_markers_of_transactions,
            a_newer_producer_fences_the_older,
            offsets_count_once_their_transaction_is_committed,
            offsets_of_a_member_that_is_out_are_refused,
            a_producer_without_an_id_has_no_transactions,
        }
    };
}

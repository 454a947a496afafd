//! How databases are opened. Every figure has its reason; most were measured on rows of a window store.

use rocksdb::{BlockBasedIndexType, BlockBasedOptions, DBCompressionType, LogLevel, Options};

use super::RocksMemory;

/// Several small write buffers: what stalls a commit is that none is free, and small ones are reopened sooner.
const WRITE_BUFFER_BYTES: usize = 16 << 20;
const WRITE_BUFFERS_MAX: i32 = 4;

/// A table that has one row takes one block of this, and there may be a table per segment and store.
const ARENA_BLOCK_BYTES: usize = 64 << 10;

/// One wrong answer in about a hundred.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

const METADATA_BLOCK_BYTES: usize = 4 << 10;

/// File handles of one database.
const OPEN_FILES_MAX: i32 = 256;

const LOG_FILE_BYTES_MAX: usize = 1 << 20;

/// Options of a database.
pub(super) fn database(memory: &RocksMemory) -> Options {
    let mut options = family(memory);
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // Without a write-ahead log, only this keeps tables of one batch together on disk.
    options.set_atomic_flush(true);
    options.set_write_buffer_manager(&memory.write_buffers);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_skip_stats_update_on_db_open(true);
    // Files of dropped segments are deleted in the background, not within a commit.
    options.set_avoid_unnecessary_blocking_io(true);
    options.set_stats_dump_period_sec(0);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(LOG_FILE_BYTES_MAX);
    options.set_keep_log_file_num(2);
    options
}

/// Options of a column family.
pub(super) fn family(memory: &RocksMemory) -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_write_buffer_number(WRITE_BUFFERS_MAX);
    options.set_arena_block_size(ARENA_BLOCK_BYTES);
    options.set_compression_type(DBCompressionType::Lz4);
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&memory.cache);
    blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
    // Whole filters and indexes in a small cache evict each other until everything stands still: they are cut into
    // partitions, and what leads to these is pinned.
    blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    blocks.set_partition_filters(true);
    blocks.set_metadata_block_size(METADATA_BLOCK_BYTES);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
    blocks.set_pin_top_level_index_and_filter(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    options.set_block_based_table_factory(&blocks);
    options
}

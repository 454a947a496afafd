//! The requests we send, each with its version: one line each. All are understood by brokers from 2.5 on.

use kafka_protocol::messages as m;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

/// A request and its answer.
pub(crate) trait Call: Encodable + HeaderVersion {
    /// The answer.
    type Answer: Decodable + HeaderVersion;
    /// The number of the request.
    const KEY: i16;
    /// The version that is sent.
    const VERSION: i16;
    /// What it does, for errors: "failed to …".
    const WHAT: &'static str;
}

macro_rules! calls {
    ($($request:ident -> $answer:ident, $key:literal v $version:literal, $what:literal;)*) => {$(
        impl Call for m::$request {
            type Answer = m::$answer;
            const KEY: i16 = $key;
            const VERSION: i16 = $version;
            const WHAT: &'static str = $what;
        }
    )*};
}

calls! {
    ListOffsetsRequest -> ListOffsetsResponse, 2 v 5, "list offsets";
    MetadataRequest -> MetadataResponse, 3 v 7, "describe topics";
    OffsetCommitRequest -> OffsetCommitResponse, 8 v 7, "commit offsets";
    OffsetFetchRequest -> OffsetFetchResponse, 9 v 7, "read committed offsets";
    FindCoordinatorRequest -> FindCoordinatorResponse, 10 v 2, "find the coordinator of a group";
    JoinGroupRequest -> JoinGroupResponse, 11 v 5, "join a group";
    HeartbeatRequest -> HeartbeatResponse, 12 v 3, "beat for a member";
    LeaveGroupRequest -> LeaveGroupResponse, 13 v 3, "leave a group";
    SyncGroupRequest -> SyncGroupResponse, 14 v 3, "take an assignment";
    DescribeGroupsRequest -> DescribeGroupsResponse, 15 v 4, "describe a group";
    CreateTopicsRequest -> CreateTopicsResponse, 19 v 4, "create topics";
    DeleteRecordsRequest -> DeleteRecordsResponse, 21 v 1, "delete records";
    DescribeConfigsRequest -> DescribeConfigsResponse, 32 v 2, "read a topic's settings";
}

// Generated from the server's types: do not edit.

export type AccountUpdate = { 
/**
 * What others see from now on.
 */
display_name?: DisplayName | null, 
/**
 * Needed to set a new one.
 */
current_password?: Password | null, 
/**
 * Replaces the password, ends the account's other sessions and revokes every token issued before, one's own too:
 * `auth.refresh` gives a new one.
 */
new_password?: Password | null, };

export type Action = "unmute" | "camera" | "screen" | "chat" | "private_chat" | "files" | "rename" | "react" | "enter_locked" | "skip_lobby" | "enter_early" | "admit" | "mute" | "ask_unmute" | "lower_hand" | "rename_others" | "spotlight" | "timer" | "delete_messages" | "remove" | "ban" | "make_cohost" | "make_host" | "invite" | "secure" | "edit" | "attendance" | "end";

export type AskUnmute = { 
/**
 * Who asks.
 */
by: ParticipantId, 
/**
 * What is to be switched on.
 */
source: Source, };

export type Attendance = { 
/**
 * Who.
 */
user: User, 
/**
 * What they were called.
 */
display_name: DisplayName, 
/**
 * As what they came in.
 */
role: Role, 
/**
 * When they came.
 */
joined_at: Timestamp, 
/**
 * When they went; null when they are in.
 */
left_at: Timestamp | null, 
/**
 * How long they were in; until now for those who are.
 */
duration_ms: number, 
/**
 * Why they went.
 */
reason: LeaveReason | null, };

export type AttendancePage = { 
/**
 * This page, the newest stay first.
 */
attendance: Array<Attendance>, 
/**
 * How many there are on all pages.
 */
total: number, };

export type AuthGuest = { 
/**
 * What others see.
 */
display_name: DisplayName, };

export type AuthLogin = { 
/**
 * As registered.
 */
username: string, 
/**
 * The password.
 */
password: Password, };

export type AuthLogout = Record<symbol, never>;

export type AuthRefresh = Record<symbol, never>;

export type AuthRegister = { 
/**
 * Taken by nobody, upper and lower case alike.
 */
username: Username, 
/**
 * 8 characters or more.
 */
password: Password, 
/**
 * What others see; the user name when left out.
 */
display_name?: DisplayName | null, };

export type AuthToken = { 
/**
 * A token from an earlier answer.
 */
token: string, };

export type Authenticated = { 
/**
 * Who one is now.
 */
user: User, 
/**
 * Logs the same person in again.
 */
token: string, 
/**
 * Until when.
 */
expires_at: Timestamp, 
/**
 * Takes this session up again after a lost socket; single use.
 */
resume_token: string, };

export type Ban = { 
/**
 * Who.
 */
user: User, 
/**
 * What they were called in the meeting.
 */
display_name: DisplayName, 
/**
 * How long.
 */
until: BanLength, 
/**
 * Since when.
 */
since: Timestamp, 
/**
 * Who decided it.
 */
by: UserId, };

export type BanLength = "meeting" | "forever";

export type BanRequest = boolean | BanLength;

export type Bans = { 
/**
 * The newest first.
 */
bans: Array<Ban>, };

export type Candidate = IceCandidate | string;

export type ChatData = { 
/**
 * What was written.
 */
message: ChatMessage, };

export type ChatDelete = { 
/**
 * Which message: one's own, or anyone's for those who govern the meeting.
 */
message: MessageId, };

export type ChatDeleted = { 
/**
 * Which message.
 */
message: MessageId, };

export type ChatHistory = { 
/**
 * Older than this message.
 */
before?: MessageId | null, 
/**
 * 1 to 200.
 */
limit?: number, };

export type ChatMessage = { 
/**
 * Its own id; `chat.history {before}` takes it.
 */
id: MessageId, 
/**
 * Whose membership wrote it.
 */
participant: ParticipantId, 
/**
 * Who wrote it.
 */
user: User, 
/**
 * What they were called then.
 */
display_name: DisplayName, 
/**
 * The one it is for; null when it is for everyone.
 */
to: ParticipantId | null, 
/**
 * What it says.
 */
text: ChatText, 
/**
 * What the sender's client called it.
 */
client_id: string | null, 
/**
 * When the server took it.
 */
sent_at: Timestamp, };

export type ChatPage = { 
/**
 * Oldest first.
 */
messages: Array<ChatMessage>, 
/**
 * Whether there are older ones.
 */
more: boolean, };

export type ChatSend = { 
/**
 * At most 4000 characters.
 */
text: ChatText, 
/**
 * Only this participant reads it.
 */
to?: ParticipantId | null, 
/**
 * The client's own name for the message, at most 64 bytes; comes back with it. No two messages of one author in
 * one room have the same: a message that is sent again is kept once and answered as the first time, and
 * something else under the same name is refused.
 */
client_id?: string | null, };

export type ChatText = string;

export type CheckBegin = Record<symbol, never>;

export type CheckRoom = { 
/**
 * A room for this session's user alone, for two minutes: join it from two sessions, publish from one and
 * receive in the other.
 */
identity: RoomIdentity, };

export type Connection = "online" | "reconnecting";

export type DisplayName = string;

export type DownOffer = { 
/**
 * What the answer must name.
 */
revision: number, 
/**
 * The server's offer.
 */
sdp: string, 
/**
 * One per m-line.
 */
slots: Array<Slot>, };

export type Empty = Record<symbol, never>;

export type EndReason = "host" | "time" | "operator";

export type ErrorCode = "protocol.bad_json" | "protocol.bad_field" | "protocol.unknown_type" | "protocol.binary" | "protocol.too_large" | "rate.limited" | "auth.required" | "auth.bad_credentials" | "auth.token_expired" | "auth.token_invalid" | "auth.username_taken" | "auth.weak_password" | "auth.guest_disabled" | "perm.denied" | "room.not_found" | "room.exists" | "room.full" | "room.locked" | "room.accounts_only" | "room.ended" | "room.not_started" | "room.password_required" | "room.password_wrong" | "room.waiting" | "room.denied" | "room.banned" | "room.conflict" | "room.not_joined" | "participant.not_found" | "signal.not_found" | "media.bad_sdp" | "media.stale" | "media.unsupported" | "media.limit" | "session.gone" | "server.busy" | "server.draining" | "server.internal";

export type Everyone = "all";

export type Hello = { 
/**
 * `meeting.v1`.
 */
protocol: string, 
/**
 * The server's name and version.
 */
server: string, 
/**
 * This session.
 */
session: SessionId, 
/**
 * How often the server pings; two pings unanswered end the session.
 */
heartbeat_ms: number, 
/**
 * What a client must keep to.
 */
limits: Limits, 
/**
 * How one may come in: `password`, `register`, `guest`.
 */
auth: Array<string>, 
/**
 * The server's clock.
 */
time: Timestamp, };

export type HistoryAccess = "all" | "joined";

export type IceCandidate = { 
/**
 * The candidate-attribute (RFC 8839 §5.1); empty means the end of candidates.
 */
candidate: string, 
/**
 * The m-line it belongs to.
 */
sdpMid?: string | null, 
/**
 * The same by number.
 */
sdpMLineIndex?: number | null, 
/**
 * The ICE user name fragment it belongs to.
 */
usernameFragment?: string | null, };

export type IceServer = { 
/**
 * Its addresses (RFC 7064, RFC 7065).
 */
urls: Array<string>, 
/**
 * For TURN.
 */
username?: string, 
/**
 * For TURN.
 */
credential?: string, };

export type Invite = { 
/**
 * By which it is revoked; not the token.
 */
id: InviteId, 
/**
 * What it is for.
 */
name: RoomName | null, 
/**
 * What whoever follows it becomes.
 */
role: Role, 
/**
 * Until when it works.
 */
expires_at: Timestamp | null, 
/**
 * How many people it lets in.
 */
max_uses: number | null, 
/**
 * How many it has let in.
 */
uses: number, 
/**
 * When it was made.
 */
created_at: Timestamp, 
/**
 * By whom.
 */
created_by: UserId, };

export type InviteCreate = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * What whoever follows the link becomes; a member when left out. Never more than oneself is.
 */
role?: Role | null, 
/**
 * What the link is for, for those who manage links.
 */
name?: RoomName | null, 
/**
 * Until when it works.
 */
expires_at?: Timestamp | null, 
/**
 * How many people it lets in: 1 to 10000. One person who comes again counts once.
 */
max_uses?: number | null, };

export type InviteId = string;

export type InviteList = { 
/**
 * The room's identity.
 */
identity: string, };

export type InviteMade = { 
/**
 * The invite.
 */
invite: Invite, 
/**
 * What the link carries, `/r/<identity>#invite=<token>`; it is shown this once.
 */
token: string, };

export type InviteRevoke = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * Which invite.
 */
invite: InviteId, };

export type Invites = { 
/**
 * Those that still work, the newest first.
 */
invites: Array<Invite>, };

export type Joined = { 
/**
 * The room.
 */
room: Room, 
/**
 * Oneself in it.
 */
self: Participant, 
/**
 * Everyone in order of joining, oneself included.
 */
participants: Array<Participant>, 
/**
 * What oneself may do, as far as the room's permissions decide it.
 */
permissions: Permissions, 
/**
 * Everything that oneself may do now.
 */
actions: Array<Action>, 
/**
 * Who waits to be let in; empty for those who may not let in.
 */
lobby: Array<Waiting>, 
/**
 * Whom everyone is shown large.
 */
spotlight: Array<ParticipantId>, 
/**
 * The timer that runs.
 */
timer: Timer | null, 
/**
 * For peer-to-peer connections.
 */
ice_servers: Array<IceServer>, 
/**
 * The last messages, oldest first.
 */
chat: Array<ChatMessage>, };

export type Layer = { 
/**
 * Its RTP stream id (RFC 8852 §3.1).
 */
rid: string, 
/**
 * In pixels; 0 while unknown.
 */
width: number, 
/**
 * In pixels; 0 while unknown.
 */
height: number, 
/**
 * In bits per second; 0 while unknown.
 */
bitrate: number, };

export type LeaveReason = "left" | "lost" | "removed" | "replaced" | "ended";

export type Leg = "up" | "down";

export type Limits = { 
/**
 * The largest text frame.
 */
message_bytes: number, 
/**
 * How many requests a second, in the long run.
 */
requests_per_second: number, 
/**
 * How many requests at once.
 */
burst: number, 
/**
 * How long a lost session is kept.
 */
resume_ms: number, };

export type LobbyAdmit = { 
/**
 * Whom.
 */
participants: Targets, };

export type LobbyDenial = "denied" | "banned" | "password" | "ended" | "accounts_only";

export type LobbyDenied = { 
/**
 * Why.
 */
reason: LobbyDenial, };

export type LobbyDeny = { 
/**
 * Whom.
 */
participants: Targets, };

export type LobbyLeaveReason = "admitted" | "denied" | "left";

export type LobbyLeft = { 
/**
 * Who.
 */
participant: ParticipantId, 
/**
 * Why they wait no more.
 */
reason: LobbyLeaveReason, };

export type LobbyUpdated = { 
/**
 * Somebody is in who may let in.
 */
hosted: boolean, };

export type LobbyWaiting = { 
/**
 * Who.
 */
participant: Waiting, };

export type MediaAnswer = { 
/**
 * The revision of the offer that it answers.
 */
revision: number, 
/**
 * The client's answer.
 */
sdp: string, };

export type MediaCandidate = { 
/**
 * Which of the two connections.
 */
connection: Leg, 
/**
 * Null for the end of candidates (RFC 8838 §8.2); not to be left out.
 */
candidate: Candidate | null, };

export type MediaFailed = Record<symbol, never>;

export type MediaKind = "audio" | "video";

export type MediaPublish = { 
/**
 * Rises with every offer on this connection, from 1.
 */
revision: number, 
/**
 * The client's offer.
 */
sdp: string, 
/**
 * Which m-line carries what.
 */
sources: Array<SourceMid>, };

export type MediaReceive = { 
/**
 * How many voices at once.
 */
audio_slots?: number, 
/**
 * How many pictures at once.
 */
video_slots?: number, };

export type MediaRestart = { 
/**
 * Which of the two connections.
 */
connection: Leg, };

export type MediaSource = { 
/**
 * Which source.
 */
source: Source, 
/**
 * True starts it, false stops it.
 */
active: boolean, 
/**
 * Starts it muted.
 */
muted?: boolean | null, };

export type MediaView = { 
/**
 * Everything one wishes to see.
 */
tiles: Array<Tile>, };

export type MessageAnswer = { 
/**
 * As everyone gets it.
 */
message: ChatMessage, };

export type MessageId = string;

export type Occurrence = { 
/**
 * When it begins.
 */
begin_at: Timestamp, 
/**
 * When it ends; null when that is open.
 */
end_at: Timestamp | null, };

export type Participant = { 
/**
 * Of this membership, not of the person.
 */
id: ParticipantId, 
/**
 * Who it is.
 */
user: User, 
/**
 * What they are called in this meeting.
 */
display_name: DisplayName, 
/**
 * What they may do.
 */
role: Role, 
/**
 * Since when they are in.
 */
joined_at: Timestamp, 
/**
 * Since when their hand is up.
 */
hand_raised_at: Timestamp | null, 
/**
 * Whether their socket is there.
 */
connection: Connection, 
/**
 * They can be heard: follows their microphone, and what they say with `participant.update`.
 */
audio: boolean, 
/**
 * They can be seen: follows their camera, and what they say with `participant.update`.
 */
video: boolean, 
/**
 * What they publish.
 */
tracks: Array<Track>, };

export type ParticipantAnswer = { 
/**
 * As it is now.
 */
participant: Participant, };

export type ParticipantAskUnmute = { 
/**
 * Whom. They may unmute once, whatever the room's permissions say.
 */
participant: ParticipantId, 
/**
 * What: `microphone` when left out, or `camera`.
 */
source?: Source | null, };

export type ParticipantData = { 
/**
 * As they are now.
 */
participant: Participant, };

export type ParticipantId = string;

export type ParticipantLeft = { 
/**
 * Who.
 */
participant: ParticipantId, 
/**
 * Why.
 */
reason: LeaveReason, };

export type ParticipantLowerHand = { 
/**
 * Whose.
 */
participant: Target, };

export type ParticipantMute = { 
/**
 * Whom; with `"all"`, everyone whom one may mute, but not oneself.
 */
participant: Target, 
/**
 * What is silenced: a microphone is muted, a camera is muted, a screen is stopped.
 */
source: Source, 
/**
 * With `"all"` and `microphone`: whether members may unmute themselves from now on; as it was when left out.
 */
allow_unmute?: boolean | null, };

export type ParticipantRemove = { 
/**
 * Whom.
 */
participant: ParticipantId, 
/**
 * Keeps them out: `true` or `"meeting"` until the meeting ends, `"forever"` for good.
 */
ban?: BanRequest | null, };

export type ParticipantRename = { 
/**
 * Whom.
 */
participant: ParticipantId, 
/**
 * What they are called in this meeting from now on.
 */
display_name: DisplayName, };

export type ParticipantSetRole = { 
/**
 * Whose.
 */
participant: ParticipantId, 
/**
 * What they are from now on.
 */
role: Role, };

export type ParticipantUpdate = { 
/**
 * A new name in this meeting.
 */
display_name?: DisplayName | null, 
/**
 * False mutes one's microphone, true unmutes it.
 */
audio?: boolean | null, 
/**
 * The same for the camera.
 */
video?: boolean | null, 
/**
 * Raises or lowers one's hand.
 */
hand?: boolean | null, };

export type Password = string;

export type Permissions = { 
/**
 * Switch their microphone on themselves.
 */
unmute: boolean, 
/**
 * Send their camera.
 */
camera: boolean, 
/**
 * Share their screen.
 */
screen: boolean, 
/**
 * Write to everyone.
 */
chat: boolean, 
/**
 * Write to one person.
 */
private_chat: boolean, 
/**
 * Send files.
 */
files: boolean, 
/**
 * Change their own display name.
 */
rename: boolean, 
/**
 * Send reactions.
 */
react: boolean, };

export type PermissionsChange = { 
/**
 * Switch their microphone on themselves.
 */
unmute?: boolean | null, 
/**
 * Send their camera.
 */
camera?: boolean | null, 
/**
 * Share their screen.
 */
screen?: boolean | null, 
/**
 * Write to everyone.
 */
chat?: boolean | null, 
/**
 * Write to one person.
 */
private_chat?: boolean | null, 
/**
 * Send files.
 */
files?: boolean | null, 
/**
 * Change their own display name.
 */
rename?: boolean | null, 
/**
 * Send reactions.
 */
react?: boolean | null, };

export type PermissionsChanged = { 
/**
 * What oneself is.
 */
role: Role, 
/**
 * What oneself may do, as far as the room's permissions decide it.
 */
permissions: Permissions, 
/**
 * Everything that oneself may do now.
 */
actions: Array<Action>, 
/**
 * Who waits to be let in; empty for those who may not let in.
 */
lobby: Array<Waiting>, };

export type Ping = { 
/**
 * Anything; for the client's own use.
 */
client_time?: unknown, };

export type Pong = { 
/**
 * The server's.
 */
time: Timestamp, };

export type Published = { 
/**
 * That of the offer.
 */
revision: number, 
/**
 * The server's answer.
 */
sdp: string, 
/**
 * The sources that cannot run, as their m-lines are refused in the answer; absent when there are none.
 */
refused?: Array<RefusedSource>, };

export type QualityUpdate = { 
/**
 * Whose.
 */
participant: ParticipantId, 
/**
 * 3 is good, 2 is weak, 1 is bad.
 */
score: number, 
/**
 * The round-trip time to this server; null while unknown.
 */
rtt_ms: number | null, 
/**
 * The share of packets lost on the way, 0 to 1.
 */
loss: number, };

export type Reaction = "👍" | "👏" | "❤️" | "😂" | "😮" | "🎉";

export type ReactionData = { 
/**
 * Whose.
 */
participant: ParticipantId, 
/**
 * Which.
 */
emoji: Reaction, };

export type ReactionSend = { 
/**
 * Which.
 */
emoji: Reaction, };

export type RefusedSource = { 
/**
 * Which one.
 */
source: Source, 
/**
 * Why, in English, for logs.
 */
reason: string, };

export type Resumed = { 
/**
 * True.
 */
resumed: boolean, 
/**
 * How many events follow that were missed.
 */
replayed: number, 
/**
 * For the next time.
 */
resume_token: string, };

export type Role = "host" | "cohost" | "member";

export type Room = { 
/**
 * What links carry.
 */
identity: RoomIdentity, 
/**
 * Nine digits for people to read out; null when the room hides it.
 */
number: string | null, 
/**
 * What it is called.
 */
name: RoomName, 
/**
 * When it is planned to begin.
 */
begin_at: Timestamp | null, 
/**
 * When it is planned to end.
 */
end_at: Timestamp | null, 
/**
 * Whose it is: always a host.
 */
owner: User, 
/**
 * What it is doing.
 */
state: RoomState, 
/**
 * Nobody new comes in.
 */
locked: boolean, 
/**
 * Asks for a password.
 */
has_password: boolean, 
/**
 * Somebody waits until a host lets them in: `waiting` says who.
 */
lobby: boolean, 
/**
 * Who waits until a host lets them in.
 */
waiting: WhoWaits, 
/**
 * Guests come in as well; false: accounts only, and those who govern the meeting.
 */
guests: boolean, 
/**
 * Members come in muted: a microphone that they start within ten seconds of coming in begins muted, unless they said
 * before, with `participant.update`, whether they are heard. They unmute it as they may.
 */
start_muted: boolean, 
/**
 * Members come in with their camera off: likewise.
 */
start_camera_off: boolean, 
/**
 * How media travels.
 */
topology: Topology, 
/**
 * How many may be in it at once.
 */
max_participants: number, 
/**
 * How many are in it now.
 */
participants: number, 
/**
 * What members may do.
 */
permissions: Permissions, 
/**
 * What newcomers may read of the chat.
 */
history: HistoryAccess, 
/**
 * The number is shown to nobody and finds nothing.
 */
hide_number: boolean, 
/**
 * How long before its beginning people may come in.
 */
early_ms: number, 
/**
 * The meeting ends at its planned end, whoever is in it.
 */
ends_on_time: boolean, 
/**
 * How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10). `begin_at` and `end_at` are the first time.
 */
recurrence: string | null, 
/**
 * On whose clocks `recurrence` is counted: an IANA name such as `Europe/Berlin`; null is UTC.
 */
time_zone: TimeZone | null, 
/**
 * The planned meeting that runs now, or else comes next; null when none is planned any more.
 */
next: Occurrence | null, 
/**
 * False: once its meeting is over, it is over for good.
 */
permanent: boolean, 
/**
 * Rises with every edit; an edit may name the one it saw.
 */
version: number, 
/**
 * When it was made.
 */
created_at: Timestamp, };

export type RoomAnswer = { 
/**
 * As it is now.
 */
room: Room, };

export type RoomAttendance = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * From 1.
 */
page?: number, 
/**
 * 1 to 1000.
 */
size?: number, };

export type RoomBans = { 
/**
 * The room's identity.
 */
identity: string, };

export type RoomCreate = { 
/**
 * What it is called.
 */
name: RoomName, 
/**
 * When it begins.
 */
begin_at?: Timestamp | null, 
/**
 * When it ends; after `begin_at`.
 */
end_at?: Timestamp | null, 
/**
 * What newcomers must know.
 */
password?: Password | null, 
/**
 * Everyone waits, or nobody; `waiting` goes before it.
 */
lobby?: boolean | null, 
/**
 * Who waits until a host lets them in; nobody when left out.
 */
waiting?: WhoWaits | null, 
/**
 * False: accounts only. True when left out.
 */
guests?: boolean | null, 
/**
 * Members come in muted.
 */
start_muted?: boolean | null, 
/**
 * Members come in with their camera off.
 */
start_camera_off?: boolean | null, 
/**
 * Nobody comes in.
 */
locked?: boolean | null, 
/**
 * 1 to 1000.
 */
max_participants?: number | null, 
/**
 * How media travels.
 */
topology?: Topology | null, 
/**
 * What members may do.
 */
permissions?: PermissionsChange | null, 
/**
 * What newcomers may read of the chat.
 */
history?: HistoryAccess | null, 
/**
 * The number is shown to nobody and finds nothing.
 */
hide_number?: boolean | null, 
/**
 * How long before `begin_at` people may come in; at most a day, 10 minutes when left out.
 */
early_ms?: number, 
/**
 * The meeting ends at `end_at`, whoever is in it.
 */
ends_on_time?: boolean | null, 
/**
 * How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10); needs `begin_at` and `end_at`.
 */
recurrence?: string | null, 
/**
 * On whose clocks `recurrence` is counted: an IANA name such as `Europe/Berlin`; UTC when left out.
 */
time_zone?: TimeZone | null, 
/**
 * False: once its meeting is over, it is over for good. True when left out.
 */
permanent?: boolean | null, };

export type RoomData = { 
/**
 * As it is now.
 */
room: Room, };

export type RoomDelete = { 
/**
 * Which room.
 */
identity: string, };

export type RoomDeleted = { 
/**
 * Which room.
 */
identity: RoomIdentity, };

export type RoomEdit = { 
/**
 * Which room.
 */
identity: string, 
/**
 * The version that the edit was made from.
 */
version?: number, 
/**
 * A new name.
 */
name?: RoomName, 
/**
 * A new beginning.
 */
begin_at?: Timestamp | null, 
/**
 * A new end.
 */
end_at?: Timestamp | null, 
/**
 * A new password.
 */
password?: Password | null, 
/**
 * Everyone waits, or nobody; `waiting` goes before it.
 */
lobby?: boolean | null, 
/**
 * Who waits until a host lets them in. Those who wait and need not any more are let in.
 */
waiting?: WhoWaits | null, 
/**
 * False: accounts only. Guests who are in stay; those who wait are sent away.
 */
guests?: boolean | null, 
/**
 * Members come in muted.
 */
start_muted?: boolean | null, 
/**
 * Members come in with their camera off.
 */
start_camera_off?: boolean | null, 
/**
 * Nobody comes in.
 */
locked?: boolean | null, 
/**
 * 1 to 1000.
 */
max_participants?: number | null, 
/**
 * How media travels, from the next meeting on.
 */
topology?: Topology | null, 
/**
 * What members may do.
 */
permissions?: PermissionsChange | null, 
/**
 * What newcomers may read of the chat.
 */
history?: HistoryAccess | null, 
/**
 * The number is shown to nobody and finds nothing.
 */
hide_number?: boolean | null, 
/**
 * How long before `begin_at` people may come in; at most a day.
 */
early_ms?: number, 
/**
 * The meeting ends at `end_at`, whoever is in it.
 */
ends_on_time?: boolean | null, 
/**
 * How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10).
 */
recurrence?: string | null, 
/**
 * On whose clocks `recurrence` is counted: an IANA name.
 */
time_zone?: TimeZone | null, 
/**
 * False: once its meeting is over, it is over for good.
 */
permanent?: boolean | null, };

export type RoomEnd = Record<symbol, never>;

export type RoomEnded = { 
/**
 * Which room.
 */
identity: RoomIdentity, 
/**
 * Why.
 */
reason: EndReason, };

export type RoomGet = { 
/**
 * The room's identity or number.
 */
identity: string, };

export type RoomIdentity = string;

export type RoomJoin = { 
/**
 * The room's identity or number.
 */
identity: string, 
/**
 * The room's password. A wrong one with a number answers `room.not_found`, as the number of no room does.
 */
password?: Password | null, 
/**
 * What to be called in this meeting.
 */
display_name?: DisplayName | null, 
/**
 * The token of an invite link: comes in without password and waiting, in the role that it gives.
 */
invite?: string | null, };

export type RoomLeave = Record<symbol, never>;

export type RoomList = { 
/**
 * From 1.
 */
page?: number, 
/**
 * 1 to 100.
 */
size?: number, 
/**
 * Part of the name; `%` and `_` mean themselves.
 */
keyword?: string | null, 
/**
 * Which rooms.
 */
scope?: Scope, };

export type RoomName = string;

export type RoomPage = { 
/**
 * This page, the newest first.
 */
rooms: Array<Room>, 
/**
 * How many there are on all pages.
 */
total: number, };

export type RoomReminder = { 
/**
 * Which room.
 */
identity: RoomIdentity, 
/**
 * When it ends.
 */
ends_at: Timestamp, 
/**
 * How long it still runs.
 */
remaining_ms: number, };

export type RoomRoster = { 
/**
 * The room's identity.
 */
identity: string, };

export type RoomState = "scheduled" | "open" | "live" | "ended";

export type RoomUnban = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * Who may come, or knock, again.
 */
user: UserId, };

export type Roster = { 
/**
 * In order of joining.
 */
participants: Array<Participant>, };

export type Scope = "mine" | "joined" | "public";

export type SessionId = string;

export type SessionReplaced = Record<symbol, never>;

export type SessionResume = { 
/**
 * The session that was lost.
 */
session: SessionId, 
/**
 * From its last authentication or resumption.
 */
resume_token: string, 
/**
 * The last event that was seen.
 */
last_seq: number, };

export type SignalAnswer = { 
/**
 * Whom it is for.
 */
to: ParticipantId, 
/**
 * Which of several connections between the two.
 */
connection?: string | null, 
/**
 * The session description (RFC 8866).
 */
sdp: string, };

export type SignalCandidate = { 
/**
 * Whom it is for.
 */
to: ParticipantId, 
/**
 * Which of several connections between the two.
 */
connection?: string | null, 
/**
 * Null for the end of candidates (RFC 8838 §8.2); not to be left out.
 */
candidate: Candidate | null, };

export type SignalCandidateData = { 
/**
 * Whose it is.
 */
from: ParticipantId, 
/**
 * As the sender named it.
 */
connection: string | null, 
/**
 * Null for the end of candidates.
 */
candidate: Candidate | null, };

export type SignalOffer = { 
/**
 * Whom it is for.
 */
to: ParticipantId, 
/**
 * Which of several connections between the two.
 */
connection?: string | null, 
/**
 * The session description (RFC 8866).
 */
sdp: string, };

export type SignalSdp = { 
/**
 * Whose it is.
 */
from: ParticipantId, 
/**
 * As the sender named it.
 */
connection: string | null, 
/**
 * The session description.
 */
sdp: string, };

export type Slot = { 
/**
 * The m-line's identification tag (RFC 5888 §4).
 */
mid: string, 
/**
 * Sound or picture.
 */
kind: MediaKind, 
/**
 * What it carries; null when nothing.
 */
track: TrackId | null, 
/**
 * Which of the track's encodings.
 */
layer: string | null, 
/**
 * Why it carries nothing, or not what was wished: `codec` where the client has no decoder for it, `bandwidth`
 * where the client's line is too narrow, so that only a still comes now and then, or nothing.
 */
reason: string | null, };

export type SlotsData = { 
/**
 * Those that changed.
 */
slots: Array<Slot>, };

export type Source = "microphone" | "camera" | "screen" | "screen_audio";

export type SourceMid = { 
/**
 * The m-line's identification tag (RFC 5888 §4).
 */
mid: string, 
/**
 * What it may carry.
 */
source: Source, };

export type SpeakerActive = { 
/**
 * The loudest first.
 */
participants: Array<ParticipantId>, };

export type SpotlightSet = { 
/**
 * Whom everyone is shown large, at most 4; nobody when empty.
 */
participants: Array<ParticipantId>, };

export type SpotlightUpdated = { 
/**
 * Who; nobody when empty.
 */
participants: Array<ParticipantId>, };

export type Target = Everyone | ParticipantId;

export type Targets = Everyone | Array<ParticipantId>;

export type Tile = { 
/**
 * Which track.
 */
track: TrackId, 
/**
 * How wide it is shown, in device pixels.
 */
width: number, 
/**
 * How high it is shown, in device pixels.
 */
height: number, 
/**
 * The higher, the sooner it gets a slot.
 */
priority?: number, };

export type TimeZone = string;

export type Timer = { 
/**
 * When it was started.
 */
started_at: Timestamp, 
/**
 * When it rings.
 */
ends_at: Timestamp, 
/**
 * How long it runs altogether.
 */
duration_ms: number, 
/**
 * Who started it.
 */
by: ParticipantId, };

export type TimerAnswer = { 
/**
 * The timer that runs now.
 */
timer: Timer | null, };

export type TimerSet = { 
/**
 * How long it runs, 1 second to 24 hours; null stops it. Not to be left out.
 */
duration_ms: number | null, };

export type TimerUpdated = { 
/**
 * The one that runs now.
 */
timer: Timer | null, };

export type Timestamp = string;

export type Topology = "sfu" | "p2p";

export type Track = { 
/**
 * New each time the source is started.
 */
id: TrackId, 
/**
 * Whose it is.
 */
participant: ParticipantId, 
/**
 * Sound or picture.
 */
kind: MediaKind, 
/**
 * Where it comes from.
 */
source: Source, 
/**
 * Nothing of it is forwarded.
 */
muted: boolean, 
/**
 * The encoding's name, `opus` or `VP8` say (RFC 4855); null while unknown.
 */
codec: string | null, 
/**
 * Its simulcast encodings; empty when there is only one.
 */
layers: Array<Layer>, };

export type TrackAnswer = { 
/**
 * The track that runs now, or null when the source was stopped.
 */
track: Track | null, };

export type TrackData = { 
/**
 * As it is now.
 */
track: Track, };

export type TrackId = string;

export type TrackMuted = { 
/**
 * Which track.
 */
track: TrackId, 
/**
 * Whose it is.
 */
participant: ParticipantId, 
/**
 * Whether nothing of it is forwarded now.
 */
muted: boolean, 
/**
 * Who did it, when it was not themselves.
 */
by: ParticipantId | null, };

export type TrackUnpublished = { 
/**
 * Which track.
 */
track: TrackId, 
/**
 * Whose it was.
 */
participant: ParticipantId, };

export type User = { 
/**
 * Stable for an account; for a guest as long as the token.
 */
id: UserId, 
/**
 * Null for guests.
 */
username: Username | null, 
/**
 * What others see.
 */
display_name: DisplayName, 
/**
 * A picture drawn by this server, relative to its origin.
 */
avatar_url: string, 
/**
 * Account or guest.
 */
kind: UserKind, };

export type UserAnswer = { 
/**
 * As it is now.
 */
user: User, };

export type UserId = string;

export type UserKind = "account" | "guest";

export type Username = string;

export type Waiting = { 
/**
 * Of this membership; the same when they are let in.
 */
id: ParticipantId, 
/**
 * Who it is.
 */
user: User, 
/**
 * What they want to be called.
 */
display_name: DisplayName, 
/**
 * Since when they wait.
 */
since: Timestamp, };

export type WhoWaits = "nobody" | "guests" | "everyone";

export type WireError = { 
/**
 * What went wrong.
 */
code: ErrorCode, 
/**
 * The same in English, for logs.
 */
message: string, 
/**
 * Which field was wrong, as a path from the frame's root; only with `protocol.bad_field`.
 */
field?: string, 
/**
 * After how many milliseconds a new try makes sense.
 */
retry_after_ms: number | null, };

export interface Requests {
  "auth.register": { data: AuthRegister; answer: Authenticated };
  "auth.login": { data: AuthLogin; answer: Authenticated };
  "auth.guest": { data: AuthGuest; answer: Authenticated };
  "auth.token": { data: AuthToken; answer: Authenticated };
  "auth.refresh": { data: AuthRefresh; answer: Authenticated };
  "auth.logout": { data: AuthLogout; answer: Empty };
  "account.update": { data: AccountUpdate; answer: UserAnswer };
  "room.create": { data: RoomCreate; answer: RoomAnswer };
  "room.edit": { data: RoomEdit; answer: RoomAnswer };
  "room.delete": { data: RoomDelete; answer: Empty };
  "room.list": { data: RoomList; answer: RoomPage };
  "room.get": { data: RoomGet; answer: RoomAnswer };
  "room.roster": { data: RoomRoster; answer: Roster };
  "room.join": { data: RoomJoin; answer: Joined };
  "room.leave": { data: RoomLeave; answer: Empty };
  "room.end": { data: RoomEnd; answer: Empty };
  "room.attendance": { data: RoomAttendance; answer: AttendancePage };
  "room.bans": { data: RoomBans; answer: Bans };
  "room.unban": { data: RoomUnban; answer: Empty };
  "invite.create": { data: InviteCreate; answer: InviteMade };
  "invite.list": { data: InviteList; answer: Invites };
  "invite.revoke": { data: InviteRevoke; answer: Empty };
  "check.begin": { data: CheckBegin; answer: CheckRoom };
  "participant.update": { data: ParticipantUpdate; answer: ParticipantAnswer };
  "participant.mute": { data: ParticipantMute; answer: Empty };
  "participant.ask_unmute": { data: ParticipantAskUnmute; answer: Empty };
  "participant.lower_hand": { data: ParticipantLowerHand; answer: Empty };
  "participant.rename": { data: ParticipantRename; answer: Empty };
  "participant.set_role": { data: ParticipantSetRole; answer: Empty };
  "participant.remove": { data: ParticipantRemove; answer: Empty };
  "lobby.admit": { data: LobbyAdmit; answer: Empty };
  "lobby.deny": { data: LobbyDeny; answer: Empty };
  "reaction.send": { data: ReactionSend; answer: Empty };
  "spotlight.set": { data: SpotlightSet; answer: Empty };
  "timer.set": { data: TimerSet; answer: TimerAnswer };
  "chat.send": { data: ChatSend; answer: MessageAnswer };
  "chat.history": { data: ChatHistory; answer: ChatPage };
  "chat.delete": { data: ChatDelete; answer: Empty };
  "signal.offer": { data: SignalOffer; answer: Empty };
  "signal.answer": { data: SignalAnswer; answer: Empty };
  "signal.candidate": { data: SignalCandidate; answer: Empty };
  "media.publish": { data: MediaPublish; answer: Published };
  "media.source": { data: MediaSource; answer: TrackAnswer };
  "media.receive": { data: MediaReceive; answer: DownOffer };
  "media.answer": { data: MediaAnswer; answer: Empty };
  "media.view": { data: MediaView; answer: Empty };
  "media.candidate": { data: MediaCandidate; answer: Empty };
  "media.restart": { data: MediaRestart; answer: Empty };
  "session.resume": { data: SessionResume; answer: Resumed };
  "ping": { data: Ping; answer: Pong };
}

export interface Events {
  "participant.joined": ParticipantData;
  "participant.updated": ParticipantData;
  "participant.left": ParticipantLeft;
  "participant.ask_unmute": AskUnmute;
  "permissions.changed": PermissionsChanged;
  "lobby.waiting": LobbyWaiting;
  "lobby.updated": LobbyUpdated;
  "lobby.left": LobbyLeft;
  "lobby.admitted": Joined;
  "lobby.denied": LobbyDenied;
  "reaction": ReactionData;
  "spotlight.updated": SpotlightUpdated;
  "timer.updated": TimerUpdated;
  "room.updated": RoomData;
  "room.ended": RoomEnded;
  "room.reminder": RoomReminder;
  "room.deleted": RoomDeleted;
  "chat.message": ChatData;
  "chat.deleted": ChatDeleted;
  "signal.offer": SignalSdp;
  "signal.answer": SignalSdp;
  "signal.candidate": SignalCandidateData;
  "media.offer": DownOffer;
  "media.failed": MediaFailed;
  "media.track.published": TrackData;
  "media.track.unpublished": TrackUnpublished;
  "media.track.muted": TrackMuted;
  "media.slots": SlotsData;
  "speaker.active": SpeakerActive;
  "quality.update": QualityUpdate;
  "session.replaced": SessionReplaced;
}

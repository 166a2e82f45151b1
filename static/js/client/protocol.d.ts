// Generated from the server's types: do not edit.

export type AccountUpdate = { 
/**
 * The name that others see from now on.
 */
display_name?: DisplayName | null, 
/**
 * The present password. It is needed to set a new one.
 */
current_password?: Password | null, 
/**
 * The new password. It ends the account's other sessions and revokes every token that was issued before,
 * your own too: `auth.refresh` gives a new one.
 */
new_password?: Password | null, };

export type Action = "unmute" | "camera" | "screen" | "chat" | "private_chat" | "files" | "rename" | "react" | "enter_locked" | "skip_lobby" | "enter_early" | "admit" | "mute" | "ask_unmute" | "lower_hand" | "rename_others" | "spotlight" | "timer" | "delete_messages" | "remove" | "ban" | "make_cohost" | "make_host" | "invite" | "secure" | "edit" | "attendance" | "end";

export type AskUnmute = { 
/**
 * Who asks.
 */
by: ParticipantId, 
/**
 * What you are asked to switch on.
 */
source: Source, };

export type Attendance = { 
/**
 * The person.
 */
user: User, 
/**
 * The name in the meeting.
 */
display_name: DisplayName, 
/**
 * The role when they came in.
 */
role: Role, 
/**
 * When they came in.
 */
joined_at: Timestamp, 
/**
 * When they left. Null while they are in.
 */
left_at: Timestamp | null, 
/**
 * How long they were in. For those who are in: until now.
 */
duration_ms: number, 
/**
 * Why they left.
 */
reason: LeaveReason | null, };

export type AttendancePage = { 
/**
 * The entries of this page, the newest first.
 */
attendance: Array<Attendance>, 
/**
 * How many entries there are on all pages.
 */
total: number, };

export type AuthGuest = { 
/**
 * The name that others see.
 */
display_name: DisplayName, };

export type AuthLogin = { 
/**
 * The user name.
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
 * The user name. Upper and lower case count as the same; it must not be taken.
 */
username: Username, 
/**
 * The password: 8 characters or more, at most 1024 bytes, and not the user name.
 */
password: Password, 
/**
 * The name that others see. The user name when left out.
 */
display_name?: DisplayName | null, };

export type AuthToken = { 
/**
 * A token from an earlier answer.
 */
token: string, };

export type Authenticated = { 
/**
 * Who you are now.
 */
user: User, 
/**
 * Logs the same person in again, with `auth.token`.
 */
token: string, 
/**
 * When the token expires.
 */
expires_at: Timestamp, 
/**
 * Takes this session up after a lost socket. It is good once.
 */
resume_token: string, };

export type Ban = { 
/**
 * The person.
 */
user: User, 
/**
 * The name in the meeting.
 */
display_name: DisplayName, 
/**
 * How long they are kept out.
 */
until: BanLength, 
/**
 * When it was decided.
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
 * The bans, the newest first.
 */
bans: Array<Ban>, };

export type Candidate = IceCandidate | string;

export type ChatData = { 
/**
 * The message.
 */
message: ChatMessage, };

export type ChatDelete = { 
/**
 * The message: one of your own, or anyone's for those who govern the meeting.
 */
message: MessageId, };

export type ChatDeleted = { 
/**
 * The message.
 */
message: MessageId, };

export type ChatHistory = { 
/**
 * Only messages older than this one.
 */
before?: MessageId | null, 
/**
 * How many messages: 1 to 200.
 */
limit?: number, };

export type ChatMessage = { 
/**
 * The message. `chat.history {before}` takes it.
 */
id: MessageId, 
/**
 * The participant who wrote it.
 */
participant: ParticipantId, 
/**
 * The person who wrote it.
 */
user: User, 
/**
 * The writer's name at that time.
 */
display_name: DisplayName, 
/**
 * The only participant who reads it. Null when it is for everybody.
 */
to: ParticipantId | null, 
/**
 * What was written.
 */
text: ChatText, 
/**
 * The sender's own name for it.
 */
client_id: string | null, 
/**
 * When the server took it.
 */
sent_at: Timestamp, };

export type ChatPage = { 
/**
 * The messages, the oldest first.
 */
messages: Array<ChatMessage>, 
/**
 * Whether there are older ones.
 */
more: boolean, };

export type ChatSend = { 
/**
 * What is written: at most 4000 characters.
 */
text: ChatText, 
/**
 * The only participant who reads it. Everybody when left out.
 */
to?: ParticipantId | null, 
/**
 * Your own name for the message, at most 64 bytes. It comes back with the message. Sent again under the same
 * name, a message is kept once and answered as the first time; something else under the same name is
 * refused.
 */
client_id?: string | null, };

export type ChatText = string;

export type CheckBegin = Record<symbol, never>;

export type CheckRoom = { 
/**
 * A room for you alone, for two minutes. Join it from two sessions, publish from one and receive in the
 * other.
 */
identity: RoomIdentity, };

export type Connection = "online" | "reconnecting";

export type DisplayName = string;

export type DownOffer = { 
/**
 * The revision, which the answer must name.
 */
revision: number, 
/**
 * The server's offer.
 */
sdp: string, 
/**
 * The slots, one for each m-line.
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
 * How often the server pings. Two pings that stay unanswered end the session.
 */
heartbeat_ms: number, 
/**
 * The limits that a client must keep to.
 */
limits: Limits, 
/**
 * The ways to log in: `password`, `register`, `guest`.
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
 * The invite, for `invite.revoke`. It is not the token.
 */
id: InviteId, 
/**
 * A name for the link.
 */
name: RoomName | null, 
/**
 * The role of those who follow the link.
 */
role: Role, 
/**
 * When the link stops working. Null when it does not.
 */
expires_at: Timestamp | null, 
/**
 * How many people the link lets in. Null when only the server's limit holds.
 */
max_uses: number | null, 
/**
 * How many people it has let in.
 */
uses: number, 
/**
 * When it was made.
 */
created_at: Timestamp, 
/**
 * Who made it.
 */
created_by: UserId, };

export type InviteCreate = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * The role of those who follow the link: `member` when left out. It cannot be higher than your own.
 */
role?: Role | null, 
/**
 * A name for the link, for those who manage links.
 */
name?: RoomName | null, 
/**
 * When the link stops working.
 */
expires_at?: Timestamp | null, 
/**
 * How many people the link lets in: 1 to 10000. One person who comes again counts once.
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
 * What the link carries: `/r/<identity>#invite=<token>`. It is shown this once.
 */
token: string, };

export type InviteRevoke = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * The invite's id.
 */
invite: InviteId, };

export type Invites = { 
/**
 * The invites that still work, the newest first.
 */
invites: Array<Invite>, };

export type Joined = { 
/**
 * The room.
 */
room: Room, 
/**
 * You in the room.
 */
self: Participant, 
/**
 * Everybody in the order of joining, you too.
 */
participants: Array<Participant>, 
/**
 * What you may do, as far as the room's permissions decide it.
 */
permissions: Permissions, 
/**
 * Everything that you may do now.
 */
actions: Array<Action>, 
/**
 * Who waits to be let in. Empty when you may not let people in.
 */
lobby: Array<Waiting>, 
/**
 * Who is shown large to everybody.
 */
spotlight: Array<ParticipantId>, 
/**
 * The timer that runs.
 */
timer: Timer | null, 
/**
 * STUN and TURN servers for each connection. Their credentials are good for an hour, while one is in.
 */
ice_servers: Array<IceServer>, 
/**
 * The last messages, the oldest first.
 */
chat: Array<ChatMessage>, };

export type Layer = { 
/**
 * Its RTP stream id (RFC 8852 §3.1), or the layer's name: `S0T0` to `S0T2`, `S1`, `S2`. Empty when it has none.
 */
rid: string, 
/**
 * The width in pixels. 0 while it is unknown.
 */
width: number, 
/**
 * The height in pixels. 0 while it is unknown.
 */
height: number, 
/**
 * Bits per second. 0 while it is unknown.
 */
bitrate: number, };

export type LeaveReason = "left" | "lost" | "removed" | "replaced" | "ended";

export type Leg = "up" | "down";

export type Limits = { 
/**
 * The largest text frame, in bytes.
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
 * How long a session is kept whose socket is lost. 0: it is not kept.
 */
resume_ms: number, };

export type LobbyAdmit = { 
/**
 * Who is let in.
 */
participants: Targets, };

export type LobbyDenial = "denied" | "banned" | "password" | "ended" | "accounts_only";

export type LobbyDenied = { 
/**
 * Why you were not let in.
 */
reason: LobbyDenial, };

export type LobbyDeny = { 
/**
 * Who is sent away.
 */
participants: Targets, };

export type LobbyLeaveReason = "admitted" | "denied" | "left";

export type LobbyLeft = { 
/**
 * Who waits no more.
 */
participant: ParticipantId, 
/**
 * Why.
 */
reason: LobbyLeaveReason, };

export type LobbyUpdated = { 
/**
 * Whether somebody is there who may let people in.
 */
hosted: boolean, 
/**
 * Whether somebody is in who may, and nobody of them is there: their connection is lost and may come back.
 */
reconnecting: boolean, };

export type LobbyWaiting = { 
/**
 * Who waits.
 */
participant: Waiting, };

export type MediaAnswer = { 
/**
 * The revision of the offer that is answered.
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
 * The candidate. Null ends the candidates (RFC 8838 §8.2). It must not be left out.
 */
candidate: Candidate | null, };

export type MediaDemand = { 
/**
 * Your track.
 */
track: TrackId, 
/**
 * The rids of the encodings that are watched, an empty name for one without a rid. Empty while nobody watches.
 */
layers: Array<string>, };

export type MediaFailed = Record<symbol, never>;

export type MediaKind = "audio" | "video";

export type MediaPublish = { 
/**
 * The number of the offer on this connection: 1 at first, higher with each.
 */
revision: number, 
/**
 * The client's offer.
 */
sdp: string, 
/**
 * Which m-line may carry which source. It may be empty.
 */
sources: Array<SourceMid>, };

export type MediaReceive = { 
/**
 * How many voices to receive at once, at most 8.
 */
audio_slots?: number, 
/**
 * How many pictures to receive at once, at most 25.
 */
video_slots?: number, };

export type MediaRestart = { 
/**
 * Which of the two connections.
 */
connection: Leg, };

export type MediaSource = { 
/**
 * The source.
 */
source: Source, 
/**
 * True starts it, false stops it.
 */
active: boolean, 
/**
 * Whether it starts muted.
 */
muted?: boolean | null, };

export type MediaView = { 
/**
 * Every picture that is shown, at most 256.
 */
tiles: Array<Tile>, };

export type MessageAnswer = { 
/**
 * The message as everybody gets it.
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
 * The id of this membership. The same person who comes again gets another.
 */
id: ParticipantId, 
/**
 * The person.
 */
user: User, 
/**
 * The name in this meeting.
 */
display_name: DisplayName, 
/**
 * The role in this meeting.
 */
role: Role, 
/**
 * When they came in.
 */
joined_at: Timestamp, 
/**
 * When they raised their hand. Null while it is down.
 */
hand_raised_at: Timestamp | null, 
/**
 * Whether their socket is there. This version always says `online`.
 */
connection: Connection, 
/**
 * Whether they can be heard. It follows their microphone, and what they say with `participant.update`.
 */
audio: boolean, 
/**
 * Whether they can be seen. It follows their camera, and what they say with `participant.update`.
 */
video: boolean, 
/**
 * The tracks that they send.
 */
tracks: Array<Track>, };

export type ParticipantAnswer = { 
/**
 * You as others see you now.
 */
participant: Participant, };

export type ParticipantAskUnmute = { 
/**
 * The participant. They may unmute once then, whatever the room's permissions say.
 */
participant: ParticipantId, 
/**
 * `microphone` or `camera`; `microphone` when left out.
 */
source?: Source | null, };

export type ParticipantData = { 
/**
 * The participant as they are now.
 */
participant: Participant, };

export type ParticipantId = string;

export type ParticipantLeft = { 
/**
 * Who is gone.
 */
participant: ParticipantId, 
/**
 * Why.
 */
reason: LeaveReason, };

export type ParticipantLowerHand = { 
/**
 * The participant.
 */
participant: Target, };

export type ParticipantMute = { 
/**
 * The participant. `"all"` means everybody whom you may mute, and not yourself.
 */
participant: Target, 
/**
 * The source. A microphone or a camera is muted, a screen is stopped.
 */
source: Source, 
/**
 * With `"all"` and `microphone`: whether members may unmute themselves from now on. Unchanged when left out.
 */
allow_unmute?: boolean | null, };

export type ParticipantRemove = { 
/**
 * The participant, or somebody who waits.
 */
participant: ParticipantId, 
/**
 * Whether the person is kept out: `true` or `"meeting"` until the meeting ends, `"forever"` until the ban is
 * lifted.
 */
ban?: BanRequest | null, };

export type ParticipantRename = { 
/**
 * The participant.
 */
participant: ParticipantId, 
/**
 * The participant's name in this meeting from now on.
 */
display_name: DisplayName, };

export type ParticipantSetRole = { 
/**
 * The participant.
 */
participant: ParticipantId, 
/**
 * The role from now on.
 */
role: Role, };

export type ParticipantUpdate = { 
/**
 * Your new name in this meeting.
 */
display_name?: DisplayName | null, 
/**
 * False mutes your microphone, true unmutes it.
 */
audio?: boolean | null, 
/**
 * False mutes your camera, true unmutes it.
 */
video?: boolean | null, 
/**
 * True raises your hand, false lowers it.
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
 * Your role now.
 */
role: Role, 
/**
 * What you may do, as far as the room's permissions decide it.
 */
permissions: Permissions, 
/**
 * Everything that you may do now.
 */
actions: Array<Action>, 
/**
 * Who waits to be let in. Empty when you may not let people in.
 */
lobby: Array<Waiting>, };

export type Ping = { 
/**
 * Anything. The server does not look at it.
 */
client_time?: unknown, };

export type Pong = { 
/**
 * The server's time.
 */
time: Timestamp, };

export type Published = { 
/**
 * The revision of the offer.
 */
revision: number, 
/**
 * The server's answer.
 */
sdp: string, 
/**
 * The sources that cannot run, because their m-lines are refused in the answer. Absent when there are none.
 */
refused?: Array<RefusedSource>, };

export type QualityUpdate = { 
/**
 * Whose connection it is.
 */
participant: ParticipantId, 
/**
 * 3 is good, 2 is weak, 1 is bad.
 */
score: number, 
/**
 * The round-trip time to this server. Null while it is unknown.
 */
rtt_ms: number | null, 
/**
 * The share of packets lost on the way, 0 to 1.
 */
loss: number, };

export type Reaction = "👍" | "👏" | "❤️" | "😂" | "😮" | "🎉";

export type ReactionData = { 
/**
 * Who shows it.
 */
participant: ParticipantId, 
/**
 * The reaction.
 */
emoji: Reaction, };

export type ReactionSend = { 
/**
 * The reaction.
 */
emoji: Reaction, };

export type RefusedSource = { 
/**
 * The source.
 */
source: Source, 
/**
 * Why, in English, for logs.
 */
reason: string, };

export type Resumed = { 
/**
 * Always true.
 */
resumed: boolean, 
/**
 * How many missed events follow.
 */
replayed: number, 
/**
 * The token for the next resumption. The one that was used stays good until this one was used.
 */
resume_token: string, 
/**
 * Who you are.
 */
user: User, 
/**
 * The `seq` of the last event before those that follow.
 */
seq: number, 
/**
 * Where you are, when the missed events cannot be replayed: it takes their place. Null when you are in no room.
 * Left out when they are replayed.
 */
view?: ResumedView | null, };

export type ResumedView = Joined | WaitingView;

export type Role = "host" | "cohost" | "member";

export type Room = { 
/**
 * What links carry.
 */
identity: RoomIdentity, 
/**
 * Nine digits for people to read out. Null when the room hides it.
 */
number: string | null, 
/**
 * The room's name.
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
 * Whose room it is. The owner is always a host.
 */
owner: User, 
/**
 * What the room is doing.
 */
state: RoomState, 
/**
 * Nobody new comes in.
 */
locked: boolean, 
/**
 * Whether newcomers must know a password.
 */
has_password: boolean, 
/**
 * Whether somebody waits until a host lets them in; `waiting` says who.
 */
lobby: boolean, 
/**
 * Who waits until a host lets them in.
 */
waiting: WhoWaits, 
/**
 * Whether guests come in. False: accounts only, and those who govern the meeting.
 */
guests: boolean, 
/**
 * Members come in muted: a microphone that they start within ten seconds of coming in begins muted, unless they
 * said before, with `participant.update`, whether they are heard. They unmute it as they may.
 */
start_muted: boolean, 
/**
 * Members come in with their camera off, in the same way.
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
 * The number is shown to nobody, and finds nothing.
 */
hide_number: boolean, 
/**
 * How long before its beginning people may come in.
 */
early_ms: number, 
/**
 * The meeting ends at its planned end, even while people are in it.
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
 * The planned meeting that runs now, or else comes next. Null when none is planned any more.
 */
next: Occurrence | null, 
/**
 * False: once its meeting is over, the room never opens again.
 */
permanent: boolean, 
/**
 * Rises with every edit. An edit may name the version that it was made from.
 */
version: number, 
/**
 * When it was made.
 */
created_at: Timestamp, };

export type RoomAnswer = { 
/**
 * The room as it is now.
 */
room: Room, };

export type RoomAttendance = { 
/**
 * The room's identity.
 */
identity: string, 
/**
 * The page, from 1.
 */
page?: number, 
/**
 * Entries on a page: 1 to 1000.
 */
size?: number, };

export type RoomBans = { 
/**
 * The room's identity.
 */
identity: string, };

export type RoomCreate = { 
/**
 * The room's name.
 */
name: RoomName, 
/**
 * When the meeting is planned to begin.
 */
begin_at?: Timestamp | null, 
/**
 * When it is planned to end: after `begin_at`.
 */
end_at?: Timestamp | null, 
/**
 * The password that newcomers must know. None when left out.
 */
password?: Password | null, 
/**
 * True: everybody waits. False: nobody does. `waiting` counts more.
 */
lobby?: boolean | null, 
/**
 * Who waits until a host lets them in. Nobody when left out.
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
 * True: nobody new comes in.
 */
locked?: boolean | null, 
/**
 * How many people may be in at once: 1 to 1000.
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
 * True: the number is shown to nobody, and finds nothing.
 */
hide_number?: boolean | null, 
/**
 * How long before `begin_at` people may come in: at most a day. 10 minutes when left out.
 */
early_ms?: number, 
/**
 * True: the meeting ends at `end_at`, even while people are in it.
 */
ends_on_time?: boolean | null, 
/**
 * How the meeting comes again: a recurrence rule (RFC 5545 §3.3.10). It needs `begin_at` and `end_at`.
 */
recurrence?: string | null, 
/**
 * On whose clocks `recurrence` is counted: an IANA name such as `Europe/Berlin`. UTC when left out.
 */
time_zone?: TimeZone | null, 
/**
 * False: once its meeting is over, the room never opens again. True when left out.
 */
permanent?: boolean | null, };

export type RoomData = { 
/**
 * The room as it is now.
 */
room: Room, };

export type RoomDelete = { 
/**
 * The room's identity or number.
 */
identity: string, };

export type RoomDeleted = { 
/**
 * The room.
 */
identity: RoomIdentity, };

export type RoomEdit = { 
/**
 * The room's identity or number.
 */
identity: string, 
/**
 * The version that the edit was made from. An older one is refused with `room.conflict`.
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
 * True: everybody waits. False: nobody does. `waiting` counts more.
 */
lobby?: boolean | null, 
/**
 * Who waits until a host lets them in. Those who wait and need not wait any more are let in.
 */
waiting?: WhoWaits | null, 
/**
 * False: accounts only. Guests who are in stay. Guests who wait are sent away.
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
 * True: nobody new comes in.
 */
locked?: boolean | null, 
/**
 * How many people may be in at once: 1 to 1000.
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
 * True: the number is shown to nobody, and finds nothing.
 */
hide_number?: boolean | null, 
/**
 * How long before `begin_at` people may come in; at most a day.
 */
early_ms?: number, 
/**
 * True: the meeting ends at `end_at`, even while people are in it.
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
 * False: once its meeting is over, the room never opens again.
 */
permanent?: boolean | null, };

export type RoomEnd = Record<symbol, never>;

export type RoomEnded = { 
/**
 * The room.
 */
identity: RoomIdentity, 
/**
 * Why it ended.
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
 * The room's password. A wrong one together with a number is refused with `room.not_found`, like the number
 * of no room.
 */
password?: Password | null, 
/**
 * Your name in this meeting. The name of your account or log-in when left out.
 */
display_name?: DisplayName | null, 
/**
 * The token of an invite link. It lets you in without the password and past the waiting room, in the role
 * that the link gives.
 */
invite?: string | null, };

export type RoomLeave = Record<symbol, never>;

export type RoomList = { 
/**
 * The page, from 1.
 */
page?: number, 
/**
 * Rooms on a page: 1 to 100.
 */
size?: number, 
/**
 * A part of the name. `%` and `_` mean themselves.
 */
keyword?: string | null, 
/**
 * Which rooms.
 */
scope?: Scope, };

export type RoomName = string;

export type RoomPage = { 
/**
 * The rooms of this page, the newest first.
 */
rooms: Array<Room>, 
/**
 * How many rooms there are on all pages.
 */
total: number, 
/**
 * When one was last in those of them that one has been in, and as what. Only for the scope `joined`.
 */
visits?: Array<Visit>, };

export type RoomReminder = { 
/**
 * The room.
 */
identity: RoomIdentity, 
/**
 * When the meeting ends.
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
 * The person who may come in, or knock, again.
 */
user: UserId, };

export type Roster = { 
/**
 * The participants in the order of joining.
 */
participants: Array<Participant>, };

export type Scope = "mine" | "joined" | "public";

export type ServerDraining = { 
/**
 * By when the server has closed all sockets.
 */
deadline: Timestamp, };

export type SessionId = string;

export type SessionReplaced = Record<symbol, never>;

export type SessionResume = { 
/**
 * The session that logged in, as the `hello` of that socket named it. It stays the same over all resumptions.
 */
session: SessionId, 
/**
 * The token from the last log-in or resumption of that session.
 */
resume_token: string, 
/**
 * The `seq` of the last event that was seen; 0 when there was none yet. Null, or left out, by a client that knows
 * nothing any more, such as a page that was loaded anew. It gets a view, and makes its media connections anew.
 */
last_seq?: number | null, };

export type SignalAnswer = { 
/**
 * The participant whom it is for.
 */
to: ParticipantId, 
/**
 * The name of the connection, as the offer has it.
 */
connection?: string | null, 
/**
 * The session description (RFC 8866).
 */
sdp: string, };

export type SignalCandidate = { 
/**
 * The participant whom it is for.
 */
to: ParticipantId, 
/**
 * The name of the connection, as the offer has it.
 */
connection?: string | null, 
/**
 * The candidate. Null ends the candidates (RFC 8838 §8.2). It must not be left out.
 */
candidate: Candidate | null, };

export type SignalCandidateData = { 
/**
 * Who sent it.
 */
from: ParticipantId, 
/**
 * The connection's name, as the sender gave it.
 */
connection: string | null, 
/**
 * The candidate. Null ends the candidates.
 */
candidate: Candidate | null, };

export type SignalOffer = { 
/**
 * The participant whom it is for.
 */
to: ParticipantId, 
/**
 * A name that tells several connections between the two apart, at most 64 bytes.
 */
connection?: string | null, 
/**
 * The session description (RFC 8866).
 */
sdp: string, };

export type SignalSdp = { 
/**
 * Who sent it.
 */
from: ParticipantId, 
/**
 * The connection's name, as the sender gave it.
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
 * The track that it carries now. Null when it carries none.
 */
track: TrackId | null, 
/**
 * Which of the track's encodings or layers it carries. Null when it carries none, or one without a name.
 */
layer: string | null, 
/**
 * Why it carries nothing, or less than was asked for: `codec` where the client has no decoder for it, `bandwidth`
 * where the client's line is too narrow, so that a smaller encoding comes, or only a still now and then, or
 * nothing, `sender` where the participant sends no larger encoding now, `server` where the server has too much to
 * do.
 */
reason: string | null, };

export type SlotsData = { 
/**
 * The slots that changed.
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
 * Who speaks, the loudest first.
 */
participants: Array<ParticipantId>, };

export type SpotlightSet = { 
/**
 * Who is shown large to everybody, at most 4. Nobody when empty.
 */
participants: Array<ParticipantId>, };

export type SpotlightUpdated = { 
/**
 * Who is shown large. Nobody when empty.
 */
participants: Array<ParticipantId>, };

export type Target = Everyone | ParticipantId;

export type Targets = Everyone | Array<ParticipantId>;

export type Tile = { 
/**
 * The track that is shown.
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
 * A higher one gets a slot sooner.
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
 * How long the timer runs: 1 second to 24 hours. Null stops it. It must not be left out.
 */
duration_ms: number | null, };

export type TimerUpdated = { 
/**
 * The timer that runs now. Null when it was stopped.
 */
timer: Timer | null, };

export type Timestamp = string;

export type Topology = "sfu" | "p2p";

export type Track = { 
/**
 * The track. It is new each time the source is started.
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
 * Whether nothing of it is forwarded.
 */
muted: boolean, 
/**
 * The name of the encoding, such as `opus` or `VP8` (RFC 4855). Null while it is unknown.
 */
codec: string | null, 
/**
 * The encodings of a picture that have come, the smallest first. One alone without layers has an empty `rid`.
 */
layers: Array<Layer>, };

export type TrackAnswer = { 
/**
 * The track that runs now. Null when the source was stopped.
 */
track: Track | null, };

export type TrackData = { 
/**
 * The track as it is now.
 */
track: Track, };

export type TrackId = string;

export type TrackMuted = { 
/**
 * The track.
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
 * Who did it. Null when it was the participant.
 */
by: ParticipantId | null, };

export type TrackUnpublished = { 
/**
 * The track.
 */
track: TrackId, 
/**
 * Whose it was.
 */
participant: ParticipantId, };

export type User = { 
/**
 * The person. An account keeps it; a guest keeps it as long as the token.
 */
id: UserId, 
/**
 * The user name. Null for guests.
 */
username: Username | null, 
/**
 * The name that others see.
 */
display_name: DisplayName, 
/**
 * The address of a picture that this server draws, relative to its origin.
 */
avatar_url: string, 
/**
 * Account or guest.
 */
kind: UserKind, };

export type UserAnswer = { 
/**
 * The account as it is now.
 */
user: User, };

export type UserId = string;

export type UserKind = "account" | "guest";

export type Username = string;

export type Visit = { 
/**
 * The room.
 */
room: RoomIdentity, 
/**
 * As what one came in.
 */
role: Role, 
/**
 * When. Null where an older system did not write it.
 */
joined_at: Timestamp | null, 
/**
 * When one left. Null while one is in.
 */
left_at: Timestamp | null, };

export type Waiting = { 
/**
 * The participant's id. It stays the same when they are let in.
 */
id: ParticipantId, 
/**
 * The person.
 */
user: User, 
/**
 * The name that they want to have in the meeting.
 */
display_name: DisplayName, 
/**
 * When they began to wait.
 */
since: Timestamp, };

export type WaitingView = { 
/**
 * The room. `lobby.updated` follows.
 */
waiting: RoomIdentity, };

export type WhoWaits = "nobody" | "guests" | "everyone";

export type WireError = { 
/**
 * What went wrong.
 */
code: ErrorCode, 
/**
 * The same in English, for people who read logs.
 */
message: string, 
/**
 * Which field was wrong, as a path from the frame's root; only with `protocol.bad_field`.
 */
field?: string, 
/**
 * After how many milliseconds a new try makes sense. Null when trying again helps nothing.
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
  "media.demand": MediaDemand;
  "speaker.active": SpeakerActive;
  "quality.update": QualityUpdate;
  "session.replaced": SessionReplaced;
  "server.draining": ServerDraining;
}

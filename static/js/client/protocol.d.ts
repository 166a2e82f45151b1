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
 * Replaces the password and revokes every other token.
 */
new_password?: Password | null, };

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

export type Candidate = IceCandidate | string;

export type ChatData = { 
/**
 * What was written.
 */
message: ChatMessage, };

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
 * Whose stay wrote it.
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
 * The client's own name for the message, at most 64 bytes; comes back with it.
 */
client_id?: string | null, };

export type ChatText = string;

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

export type ErrorCode = "protocol.bad_json" | "protocol.bad_field" | "protocol.unknown_type" | "protocol.binary" | "protocol.too_large" | "rate.limited" | "auth.required" | "auth.bad_credentials" | "auth.token_expired" | "auth.token_invalid" | "auth.username_taken" | "auth.weak_password" | "auth.guest_disabled" | "perm.denied" | "room.not_found" | "room.exists" | "room.full" | "room.locked" | "room.ended" | "room.not_started" | "room.password_required" | "room.password_wrong" | "room.waiting" | "room.denied" | "room.banned" | "room.conflict" | "room.not_joined" | "participant.not_found" | "signal.not_found" | "media.bad_sdp" | "media.stale" | "media.unsupported" | "media.limit" | "session.gone" | "server.busy" | "server.draining" | "server.internal";

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
 * What oneself may do.
 */
permissions: Permissions, 
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

export type Participant = { 
/**
 * Of this stay, not of the person.
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
sdp: string, };

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
 * Nine digits for people to read out.
 */
number: string, 
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
 * Newcomers wait until a host lets them in.
 */
lobby: boolean, 
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
 * Newcomers wait.
 */
lobby?: boolean | null, 
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
permissions?: PermissionsChange | null, };

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
 * Newcomers wait.
 */
lobby?: boolean | null, 
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
permissions?: PermissionsChange | null, };

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
 * The room's password.
 */
password?: Password | null, 
/**
 * What to be called in this meeting.
 */
display_name?: DisplayName | null, };

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

export type RoomRoster = { 
/**
 * The room's identity.
 */
identity: string, };

export type RoomState = "scheduled" | "open" | "live" | "ended";

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
 * Why it carries nothing, or not what was wished.
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
muted: boolean, };

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
  "participant.update": { data: ParticipantUpdate; answer: ParticipantAnswer };
  "chat.send": { data: ChatSend; answer: MessageAnswer };
  "chat.history": { data: ChatHistory; answer: ChatPage };
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
  "room.updated": RoomData;
  "room.ended": RoomEnded;
  "room.deleted": RoomDeleted;
  "chat.message": ChatData;
  "signal.offer": SignalSdp;
  "signal.answer": SignalSdp;
  "signal.candidate": SignalCandidateData;
  "media.offer": DownOffer;
  "media.track.published": TrackData;
  "media.track.unpublished": TrackUnpublished;
  "media.track.muted": TrackMuted;
  "media.slots": SlotsData;
  "speaker.active": SpeakerActive;
  "session.replaced": SessionReplaced;
}

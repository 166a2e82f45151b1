// The objects of the wire protocol `meeting.v1`, as the client reads them.
// The server's build writes this file from its own types; the names are the contract's.

export type Source = 'microphone' | 'camera' | 'screen' | 'screen_audio';
export type MediaKind = 'audio' | 'video';
export type Topology = 'sfu' | 'p2p';
export type Role = 'host' | 'cohost' | 'member';

export interface Limits {
  message_bytes: number;
  requests_per_second: number;
  burst: number;
  resume_ms?: number;
}

export interface Hello {
  protocol: string;
  server: string;
  session: string;
  heartbeat_ms: number;
  limits: Limits;
  auth: string[];
  time: string;
}

export interface WireError {
  code: string;
  message: string;
  field?: string | null;
  retry_after_ms?: number | null;
}

export interface User {
  id: string;
  username: string | null;
  display_name: string;
  avatar_url: string;
  kind: 'account' | 'guest';
}

export interface Authenticated {
  user: User;
  token: string;
  expires_at: string;
  resume_token: string;
}

export interface Permissions {
  unmute: boolean;
  screen: boolean;
  chat: boolean;
  private_chat: boolean;
  files: boolean;
  rename: boolean;
  react: boolean;
}

export interface Room {
  identity: string;
  number: string;
  name: string;
  begin_at: string | null;
  end_at: string | null;
  owner: User;
  state: 'scheduled' | 'open' | 'live' | 'ended';
  locked: boolean;
  has_password: boolean;
  lobby: boolean;
  topology: Topology;
  max_participants: number;
  participants: number;
  permissions: Permissions;
  version: number;
  created_at: string;
}

export interface Layer {
  rid: string;
  width: number;
  height: number;
  bitrate: number;
}

export interface Track {
  id: string;
  participant: string;
  kind: MediaKind;
  source: Source;
  muted: boolean;
  codec: string | null;
  layers: Layer[];
}

export interface Participant {
  id: string;
  user: User;
  display_name: string;
  role: Role;
  joined_at: string;
  hand_raised_at: string | null;
  connection: 'online' | 'reconnecting';
  audio: boolean;
  video: boolean;
  tracks: Track[];
}

export interface ChatMessage {
  id: string;
  participant: string;
  user: User;
  display_name: string;
  to: string | null;
  text: string;
  client_id: string | null;
  sent_at: string;
}

export interface IceServer {
  urls: string[];
  username?: string | null;
  credential?: string | null;
}

export interface Joined {
  room: Room;
  self: Participant;
  participants: Participant[];
  permissions: Permissions;
  ice_servers: IceServer[];
  chat: ChatMessage[];
}

export interface Slot {
  mid: string;
  kind: MediaKind;
  track: string | null;
  layer: string | null;
  reason: string | null;
}

export interface Tile {
  track: string;
  width: number;
  height: number;
  priority: number;
}

/** The earlier name of Joined. */
export type JoinReply = Joined;

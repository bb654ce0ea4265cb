import { connect as connectPlain, isIP, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { causes, errorCode } from '../errors.ts';
import type { Endpoint } from './connect.ts';

/** The start of HTTP/2 (RFC 9113, 3.4): the client's preface and empty SETTINGS, which any server answers by its own. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_FRAME = 4;
const TLS_ALERT = 0x15;
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
const CLIENT_CERTIFICATE = 'TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH';
const HANGS_UP = 'it hangs up: perhaps it speaks TLS, and none is configured here (TEMPORAL_TLS=true)';
const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1)$/;

/**
 * Why no Temporal server can be had at an address, as soon as that is certain: the client itself only knows that its
 * time was up. Undefined where it may be had, in `patienceMs` at the latest. Never throws.
 */
export async function findObstacle(
  { address, connectionOptions: { tls } }: Endpoint,
  env: Readonly<Record<string, string | undefined>>,
  patienceMs: number,
): Promise<string | undefined> {
  const [, host = '', port = '7233'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  // The client goes through a proxy, and this does not.
  if (!LOOPBACK.test(host) && PROXIES.some((name) => (env[name] ?? '') !== '')) return undefined;
  const socket = connectPlain({ host, port: Number(port) });
  socket.setTimeout(patienceMs, () => socket.destroy());
  try {
    await happens(socket, 'connect');
    if (tls === undefined || tls === null || tls === false) return await greetPlainly(socket);
    return await greetInside(socket, host, tls === true ? {} : tls);
  } catch (error) {
    return describe(error, host);
  } finally {
    socket.destroy();
  }
}

/** Resolves at the event, or with nothing where the socket is closed before it; rejects with the socket's error. */
const happens = (socket: Socket, event: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve).once('close', resolve).once('error', reject);
  });

/** Servers of Go hang up on what does not begin with TLS, and say nothing. */
async function greetPlainly(socket: Socket): Promise<string | undefined> {
  const seen = { hangUp: false };
  socket.once('end', () => (seen.hangUp = true));
  try {
    const obstacle = await greet(socket);
    return seen.hangUp ? HANGS_UP : obstacle;
  } catch (error) {
    if (errorCode(error) === 'ECONNRESET') return HANGS_UP;
    throw error;
  }
}

async function greet(socket: Socket): Promise<string | undefined> {
  socket.write(PREFACE);
  const answer = await happens(socket, 'data');
  if (!Buffer.isBuffer(answer)) return undefined;
  if (answer[0] === TLS_ALERT) return 'it speaks TLS, and none is configured here (TEMPORAL_TLS=true)';
  return answer[3] === SETTINGS_FRAME ? undefined : 'what answers there is no Temporal server';
}

async function greetInside(
  socket: Socket,
  host: string,
  tls: Exclude<NonNullable<Endpoint['connectionOptions']['tls']>, boolean>,
): Promise<string | undefined> {
  const { connect } = await import('node:tls');
  const name = tls.serverNameOverride ?? host;
  const options: ConnectionOptions = {
    socket,
    host: name,
    ALPNProtocols: ['h2'],
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(tls.serverRootCACertificate ? { ca: Buffer.from(tls.serverRootCACertificate) } : {}),
    ...(tls.clientCertPair
      ? { cert: Buffer.from(tls.clientCertPair.crt), key: Buffer.from(tls.clientCertPair.key) }
      : {}),
  };
  const secured = connect(options);
  await happens(secured, 'secureConnect');
  return await greet(secured);
}

function describe(error: unknown, host: string): string {
  const code: string = errorCode(error) ?? '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused: nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} is not known`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'it does not speak TLS, and TLS is configured here (TEMPORAL_TLS=false)';
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
      return `it lets in who has a certificate, and none is configured here (${CLIENT_CERTIFICATE})`;
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
      return `it does not take the certificate that is configured here (${CLIENT_CERTIFICATE})`;
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'its certificate is of no CA that is known here (TEMPORAL_TLS_SERVER_CA_CERT_PATH)';
    default:
      return causes(error)[0] ?? 'it cannot be connected to';
  }
}

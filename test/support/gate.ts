import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A connection to a server that can be cut, like a network outage. */
export interface Gate {
  address: string;
  /** The server sees its clients disconnect; the clients see nothing and receive nothing. */
  shut(): void;
  /** Disconnected clients have to reconnect. */
  open(): void;
  close(): Promise<void>;
}

export async function openGate(target: string): Promise<Gate> {
  const [host = '', port = ''] = target.split(':');
  const pairs = new Map<Socket, Socket>();
  let isShut = false;
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = connect(Number(port), host);
    pairs.set(near, far);
    near.on('error', () => {}).on('data', (bytes: Buffer) => far.write(bytes));
    near.on('close', () => {
      pairs.delete(near);
      far.destroy();
    });
    far.on('error', () => {}).on('data', (bytes: Buffer) => near.write(bytes));
    far.on('close', () => isShut || near.destroy());
    if (isShut) far.destroy();
    else near.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hangUp = () => {
    for (const near of pairs.keys()) near.destroy();
  };
  return {
    address: `127.0.0.1:${portOf(server)}`,
    shut() {
      isShut = true;
      for (const [near, far] of pairs) {
        near.pause();
        far.destroy();
      }
    },
    open() {
      isShut = false;
      hangUp();
    },
    async close() {
      hangUp();
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The gate listens on no port');
  return address.port;
}

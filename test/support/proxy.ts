import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { portOf } from './localServer.ts';

export interface LocalProxy {
  url: string;
  /** The requested targets, such as `accounts.eu1.gigya.com:443`. */
  tunnels: string[];
  /** Makes it answer with this status instead of opening a tunnel. */
  refuse(status: number | undefined): void;
  close(): Promise<void>;
}

/** A real HTTP proxy (CONNECT) that connects every request to the one given port. */
export async function startProxy(port: number): Promise<LocalProxy> {
  const tunnels: string[] = [];
  let refusal: number | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', ({ url = '' }, client) => {
    tunnels.push(url);
    client.on('error', () => client.destroy());
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} Refused\r\n\r\n`);
      return;
    }
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    target.on('error', () => client.destroy());
    client.on('close', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    tunnels,
    refuse(status) {
      refusal = status;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

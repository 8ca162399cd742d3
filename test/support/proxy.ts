import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { portOf } from './localServer.ts';

export interface LocalProxy {
  url: string;
  /** Where it was asked to connect to: `accounts.eu1.gigya.com:443`. */
  tunnels: string[];
  close(): Promise<void>;
}

/** A real HTTP proxy (CONNECT) that takes every request to the one port that is there. */
export async function startProxy(port: number): Promise<LocalProxy> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', ({ url = '' }, client) => {
    tunnels.push(url);
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    tunnels,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

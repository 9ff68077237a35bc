/** The proxy of the fault tests, itself: it has to do what its name says, or they prove nothing. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { randomOf } from '../support/random.ts';

describe('the fault proxy', () => {
  let echo: Server;
  let heard: string;
  let proxy: FaultProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    heard = '';
    echo = createServer((socket) => {
      socket.on('data', (chunk) => {
        heard += chunk.toString();
        socket.write(chunk);
      });
      socket.on('error', () => undefined);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    proxy = await startFaultProxy(
      typeof address === 'object' ? (address?.port ?? 0) : 0,
      randomOf(1),
    );
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    echo.close();
  });

  async function aClient() {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    const state = { socket, got: '', ended: undefined as string | undefined };
    socket.on('data', (chunk: Buffer) => (state.got += chunk.toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => (state.ended = error.code));
    socket.on('close', () => (state.ended ??= 'closed'));
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    return state;
  }
  const soon = (check: () => void) => eventually(check, { withinMs: 3_000, everyMs: 5 });

  it('passes bytes both ways, and the end', async () => {
    const client = await aClient();

    client.socket.write('hello');

    await soon(() => {
      expect(client.got).to.equal('hello');
    });
    client.socket.end();
    await soon(() => {
      expect(client.ended).to.equal('closed');
    });
    expect(proxy.hits).to.deep.equal({ cut: 0, delay: 0, halfOpen: 0, dropReply: 0 });
  });

  it('cuts what is open and what comes', async () => {
    const open = await aClient();

    proxy.set('cut');

    await soon(() => {
      expect(open.ended).to.equal('ECONNRESET');
    });
    const late = await aClient();
    await soon(() => {
      expect(late.ended).to.equal('ECONNRESET');
    });
    expect(proxy.hits.cut).to.equal(2);

    proxy.set('pass');
    const healed = await aClient();
    healed.socket.write('again');
    await soon(() => {
      expect(healed.got).to.equal('again');
    });
  });

  it('delays, and keeps the order when the delay is over', async () => {
    const client = await aClient();
    proxy.set('delay');
    const began = Date.now();

    client.socket.write('one ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.set('pass');
    client.socket.write('two');

    await soon(() => {
      expect(client.got).to.equal('one two');
    });
    expect(Date.now() - began).to.be.at.least(100);
  });

  it('leaves a half-open connection dead after it, and serves a new one', async () => {
    const client = await aClient();
    proxy.set('halfOpen');
    const during = await aClient();
    proxy.set('pass');

    client.socket.write('anybody there?');
    during.socket.write('or here?');
    const after = await aClient();
    after.socket.write('yes');

    await soon(() => {
      expect(after.got).to.equal('yes');
    });
    expect([client.got, client.ended, during.got, during.ended]).to.deep.equal([
      '',
      undefined,
      '',
      undefined,
    ]);
    expect(heard).to.equal('yes');
  });

  it('lets a request through, drops its reply, and resets', async () => {
    const client = await aClient();
    proxy.set('dropReply');

    client.socket.write('do it');

    await soon(() => {
      expect(client.ended).to.equal('ECONNRESET');
    });
    expect(heard).to.equal('do it');
    expect(client.got).to.equal('');
  });

  it('drops the replies to some requests alone, and lets those of others through', async () => {
    const client = await aClient();
    proxy.set('dropReply', 'INSERT');
    const question = 'GET /?query=SELECT HTTP/1.1';
    client.socket.write(question);
    await soon(() => {
      expect(client.got).to.equal(question);
    });

    client.socket.write('POST /?query=INSERT HTTP/1.1');

    await soon(() => {
      expect(client.ended).to.equal('ECONNRESET');
    });
    expect(heard).to.include('INSERT');
    expect(client.got).to.equal(question);
  });

  it('resets where nobody listens', async () => {
    echo.close();
    await once(echo, 'close');

    const client = await aClient();

    await soon(() => {
      expect(client.ended).to.equal('ECONNRESET');
    });
  });
});

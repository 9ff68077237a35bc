/** Privileges and networks of docker-compose.yml, as far as they can be judged without Docker. */
import { expect } from 'chai';
import {
  file,
  interpolate,
  oneShot,
  scrapedHosts,
  type Service,
  services,
  text,
} from '../support/compose.ts';

const STORES = ['nats', 'postgres', 'temporal', 'clickhouse', 'redis'];

describe('the services of docker-compose.yml', () => {
  it('have no privilege that they do not need', () => {
    // Their images write into them.
    const writable = ['temporal-ui', 'clickhouse'];
    for (const [name, service] of services) {
      expect(service.cap_drop, name).to.deep.equal(['ALL']);
      expect(service.security_opt, name).to.deep.equal(['no-new-privileges:true']);
      expect(service.read_only ?? false, name).to.equal(!writable.includes(name));
      for (const key of ['privileged', 'network_mode', 'pid', 'ipc', 'devices', 'userns_mode']) {
        expect(service, name).not.to.have.property(key);
      }
      if (name !== 'redis') expect(service.cap_add, name).to.equal(undefined);
    }
    // For chown and setpriv, before Redis runs: CHOWN, the directory of another user, and what setpriv takes away.
    expect(file.services['redis']?.cap_add).to.deep.equal(
      'CHOWN DAC_OVERRIDE SETGID SETPCAP SETUID'.split(' '),
    );
    expect(file.services['postgres']?.user).to.equal('postgres');
    expect(file.services['clickhouse']?.user).to.equal('101:101');
    expect(file.services['temporal-ui']?.user).to.equal('temporal');
  });

  describe('networks', () => {
    const networksOf = (name: string) => file.services[name]?.networks ?? [];
    const reaches = (name: string) =>
      services
        .map(([other]) => other)
        .filter(
          (other) => other !== name && networksOf(other).some((n) => networksOf(name).includes(n)),
        );

    it('are declared, used, and named by each service', () => {
      for (const [name] of services) expect(networksOf(name), name).not.to.be.empty;
      expect(new Set(services.flatMap(([name]) => networksOf(name)))).to.deep.equal(
        new Set(Object.keys(file.networks)),
      );
    });

    it('let each service reach what it is told of, and waits for', () => {
      const names = services.map(([name]) => name);
      const told = (name: string, { environment = {}, command = [], depends_on = {} }: Service) => [
        ...Object.values(environment).map(interpolate),
        ...command,
        ...Object.keys(depends_on).filter((other) => !oneShot([other, file.services[other] ?? {}])),
        ...(name === 'prometheus' ? scrapedHosts() : []),
        ...(name === 'grafana'
          ? text('compose/grafana/provisioning/datasources/datasources.yml').split(/\s+/)
          : []),
      ];
      for (const [name, service] of services) {
        const wanted = told(name, service).flatMap((word) => {
          const [, host = ''] =
            /^(?:\w+:\/\/(?:[^@/]*@)?)?([a-z][a-z-]*)(?::\d+)?$/.exec(word) ?? [];
          return names.includes(host) && host !== name ? [host] : [];
        });
        expect(reaches(name), name).to.include.members(wanted);
      }
    });

    it("keep Temporal's database and Redis to those who need them, and servers from each other", () => {
      expect(reaches('postgres')).to.have.members(['temporal', 'temporal-schema']);
      expect(reaches('redis')).to.have.members(['migrate', 'ingest', 'worker', 'collect']);
      for (const [name, known] of [
        ['nats', []],
        ['postgres', ['temporal']],
        ['temporal', ['postgres']],
        ['clickhouse', []],
        ['redis', []],
      ] as const) {
        const others = reaches(name).filter((other) => STORES.includes(other));
        expect(others, name).to.deep.equal(known);
      }
      // The way in from outside.
      for (const other of ['temporal', 'clickhouse', 'postgres']) {
        expect(reaches('collect')).not.to.include(other);
      }
    });

    it('lead to the host where ports are published, and nowhere where none are', () => {
      for (const [name, { ports = [] }] of services) {
        const open = networksOf(name).filter(
          (network) => file.networks[network]?.internal !== true,
        );
        if (ports.length > 0) expect(open, name).not.to.be.empty;
      }
      for (const name of ['postgres', 'redis']) {
        for (const network of networksOf(name)) {
          expect(file.networks[network], network).to.deep.equal({ internal: true });
        }
      }
    });

    it('are several for Temporal, which is told by which address its parts call each other', () => {
      expect(networksOf('temporal')).to.have.length(2);
      expect(file.services['temporal']?.environment).to.include({
        BIND_ON_IP: '0.0.0.0',
        TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
      });
    });
  });
});

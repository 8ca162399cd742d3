export type Route = { name: string; parts: string[] };

const routes: [name: string, verb: string, pattern: RegExp][] = [
  ['segments', 'GET', /^\/v2\/segment\/?$/],
  ['segment', 'GET', /^\/v2\/segment\/([^/]+)$/],
  ['v1_segments', 'GET', /^\/api\/segment\/?$/],
  ['adhoc_scan', 'POST', /^\/api\/segment\/scan$/],
  ['scan', 'GET', /^\/api\/segment\/([^/]+)\/scan$/],
  ['v1_segment', 'GET', /^\/api\/segment\/([^/]+)$/],
  ['v1_segment_sizes', 'GET', /^\/api\/segment\/([^/]+)\/sizes$/],
  ['entity', 'GET', /^\/api\/entity\/user\/([^/]+)\/([^/]+)$/],
  ['jobs', 'GET', /^\/v2\/job\/?$/],
  ['job_create', 'POST', /^\/v2\/job\/gigya-export\/?$/],
  ['job', 'GET', /^\/v2\/job\/gigya-export\/([^/]+)$/],
  ['job', 'GET', /^\/v2\/job\/([^/]+)$/],
  ['job_update', 'POST', /^\/v2\/job\/gigya-export\/([^/]+)$/],
  ['job_update', 'PUT', /^\/v2\/job\/gigya-export\/([^/]+)$/],
];

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function routeOf(verb: string, path: string): Route {
  for (const [name, wanted, pattern] of routes) {
    const found = verb === wanted ? pattern.exec(path) : null;
    if (found) return { name, parts: found.slice(1).map(decode) };
  }
  return { name: 'unknown', parts: [] };
}

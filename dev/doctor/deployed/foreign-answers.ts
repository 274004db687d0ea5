// What it means when something else answers in the place of the service: the Functions host, the platform, or a front end. Each is
// known by its words or headers; nothing of such an answer is printed but its status and the host that it leads to.
import { isLoopback } from '../../../src/config/forms.ts'
import { bad, type Finding } from '../finding.ts'
import type { Answer } from './browser.ts'

interface ForeignAnswer {
  /** `status` may be a class: 3 is any redirect, 5 any failure of a server. */
  status?: number | readonly number[]
  /** In the body. */
  body?: RegExp
  header?: readonly [name: string, value: RegExp]
  explain(answer: Answer, origin: string): Finding
}

const site = '--name <app> --resource-group <group>'
const started = (text: string) =>
  bad(
    text,
    `wait, or see why: portal: the function app > Diagnose and solve problems; az functionapp show ${site} --query state`,
  )
const notPassedOn = (text: string) =>
  bad(
    text,
    'let the front end pass /api/* on to the function app, with path and query as they are: docs/front-ends.md',
  )

/** The first that fits. */
const foreignAnswers: readonly ForeignAnswer[] = [
  {
    status: 3,
    header: [
      'location',
      /\/\.auth\/login\/|[?&]redirect_uri=[^&]*%2f\.auth%2flogin%2f|\/oauth2\/(v2\.0\/)?authorize\?/i,
    ],
    explain: () =>
      bad(
        'it sends every visitor to a sign-in of its own: App Service Authentication is switched on (or a role is asked for in staticwebapp.config.json)',
        `az webapp auth update ${site} --enabled false`,
      ),
  },
  { status: 3, header: ['location', /./], explain: leadsOn },
  {
    status: 401,
    explain: () =>
      bad(
        'it asks every visitor to sign in (401) before the service is asked: App Service Authentication is switched on, as linking to a Static Web App does too (then only that one gets in)',
        `az webapp auth update ${site} --enabled false; for a linked app, the address of the Static Web App: docs/front-ends.md`,
      ),
  },
  {
    status: 403,
    body: /is stopped/i,
    explain: () =>
      bad(
        'the function app is stopped (by somebody, by a spending limit, or by a quota)',
        `az functionapp start ${site}; if it stops again: portal: Subscriptions, the one of the app`,
      ),
  },
  {
    status: 403,
    body: /is not allowed.*allowedHosts/s,
    explain: (_, origin) =>
      bad(
        'the Vite server does not know the host name',
        `vite.config: server: { allowedHosts: ['${new URL(origin).hostname}'] }`,
      ),
  },
  {
    status: 403,
    header: ['x-azure-ref', /./],
    explain: () =>
      bad(
        'Front Door refuses the request: its firewall (WAF) has a rule against it',
        "portal: the WAF policy > Managed rules: see the log for the rule's id, and exclude it for /api/*",
      ),
  },
  {
    status: 403,
    explain: () =>
      bad(
        'it lets this machine not in (403): access restrictions, or a private network without public access',
        `az functionapp config access-restriction show ${site}; az functionapp show ${site} --query publicNetworkAccess. Behind a front end that is as it should be: run the doctor with the address of that`,
      ),
  },
  {
    status: 404,
    body: /web ?site not found|web app not found/i,
    explain: (_, origin) =>
      bad(
        `Azure knows no app of the name ${new URL(origin).hostname}: it was deleted, or the host name was not added to it`,
        `az functionapp config hostname add --name <app> --resource-group <group> --hostname ${new URL(origin).hostname}`,
      ),
  },
  {
    status: [404, 421],
    header: ['x-azure-ref', /./],
    explain: () =>
      bad(
        'Front Door has no route for this host name, or for /api/*',
        'portal: the Front Door profile > Endpoints: a route for the domain with the pattern /api/*; a change takes up to twenty minutes',
      ),
  },
  {
    status: 400,
    body: /invalid host/i,
    explain: (_, origin) =>
      bad(
        `what answers does not know the host name ${new URL(origin).hostname}`,
        'let the front end send the host name that the function app has: docs/front-ends.md',
      ),
  },
  {
    status: 503,
    body: /function host is not running/i,
    explain: () =>
      bad(
        'the Functions host cannot start: most often its storage (AzureWebJobsStorage) cannot be reached, or the identity has no role there yet',
        `az role assignment list --assignee <principal id> --all --query "[].[roleDefinitionName,scope]"; portal: the function app > Diagnose and solve problems`,
      ),
  },
  {
    status: 5,
    header: ['server', /nginx/i],
    explain: ({ status }) =>
      bad(
        `nginx gets no answer of the service (${status})`,
        'proxy_pass: the address of the function app, with proxy_ssl_server_name on and its own host name as Host; see the error log of nginx',
      ),
  },
  {
    status: 5,
    header: ['x-azure-ref', /./],
    explain: ({ status }) =>
      bad(
        `Front Door gets no answer of the service (${status})`,
        "portal: the Front Door profile > Origin groups: the origin's host name and origin host header are those of the function app, and the probe asks /api/health/live",
      ),
  },
  {
    status: 500,
    explain: () =>
      started(
        'the Functions host failed (500, without a word of the service): its process died, or its storage did not answer',
      ),
  },
  {
    status: 5,
    explain: ({ status }, origin) =>
      isLoopback(origin)
        ? bad(
            `it answers, and the service behind it does not (${status})`,
            'start it: npm run dev, where this address passes /api/* on to',
          )
        : started(`the platform has nobody to answer (${status}): it is starting, or it failed`),
  },
]

/** @param answer Of a route of the service, and not the service's. */
export function explainForeign(answer: Answer, origin: string): Finding {
  const known = foreignAnswers.find((one) => fits(one, answer))
  if (known) return known.explain(answer, origin)
  const { status, text } = answer
  if (status === 200 && /<(!doctype|html)/i.test(text)) {
    return notPassedOn(`a page answers (200) in the place of the service: /api/* is not passed on`)
  }
  return notPassedOn(`something else than the service answers (${status})`)
}

function fits({ status, body, header }: ForeignAnswer, answer: Answer): boolean {
  const statuses = status === undefined ? undefined : [status].flat()
  if (statuses && !statuses.some((one) => one === answer.status || one === Math.floor(answer.status / 100)))
    return false
  if (header && !header[1].test(answer.headers.get(header[0]) ?? '')) return false
  return body === undefined || body.test(answer.text)
}

function leadsOn(answer: Answer, origin: string): Finding {
  const location = answer.headers.get('location') ?? ''
  const target = URL.canParse(location, origin) ? new URL(location, origin).origin : origin
  if (target === origin) {
    return bad(
      `it redirects ${answer.asked} (${answer.status}) to itself`,
      'take the rule that redirects away for /api/*: the service has no address but its own',
    )
  }
  return bad(
    `it leads on to ${target}`,
    isLoopback(target) ? 'the address that people use' : `npm run doctor -- --url ${target}`,
  )
}

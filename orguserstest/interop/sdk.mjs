// Drives the fake through the calls of the official SDK that concern users. It
// prints the name of each call that passed, and exits with 1 at the first that
// failed.
import assert from 'node:assert/strict'
import contentstack from '@contentstack/management'

const [url, organizationUID, email, password, stackKey] = process.argv.slice(2)
const fake = new URL(url)
const client = contentstack.client({
  // The SDK treats an address of this machine in its own way.
  endpoint: `http://fake.example:${fake.port}/v3`,
  lookup: async () => fake.hostname,
  logHandler: () => {}
})

async function step(name, run) {
  try {
    const result = await run()
    console.log(name)
    return result
  } catch (error) {
    console.error(`${name}: ${error.message}`)
    process.exit(1)
  }
}

const { user } = await step('login', () => client.login({ email, password }, { include_orgs: true, include_orgs_roles: true }))
await step('login: organizations', () => assert.equal(user.organizations.length, 2))
const me = await step('current user', () => client.getUser({ include_orgs_roles: true }))
await step('current user: roles', () => assert.equal(me.organizations.find(o => o.uid === organizationUID).org_roles[0].admin, true))
await step('password email', () => me.requestPassword())

const organizations = await step('organizations', () => client.organization().fetchAll())
await step('organizations: uids', () => assert.ok(organizations.items.some(o => o.uid === organizationUID)))
const organization = await step('organization', () => client.organization(organizationUID).fetch({ include_plan: true }))
await step('organization: plan', () => assert.ok(organization.plan.features.length > 0))
const roles = await step('roles', () => organization.roles({ include_count: true }))
await step('roles: permissions', () => assert.ok(roles.items.find(r => r.admin).permissions.includes('org.users:write')))
const stacks = await step('stacks', () => organization.stacks({ include_count: true }))
await step('stacks: names', () => assert.equal(stacks.items.length, stacks.count))

const seen = new Set()
for (let skip = 0, count = 1; skip < count; skip += 20) {
  const page = await step('users', () => organization.getInvitations({ skip, limit: 20, include_count: true, asc: 'created_at' }))
  count = page.count
  for (const user of page.items) seen.add(user.email)
  if (skip + 20 >= count) await step('users: all', () => assert.equal(seen.size, count))
}

const member = roles.items.find(r => r.name === 'member').uid
const invited = await step('invite', () => organization.addUser({ users: { 'new@example.com': [member] }, stacks: {}, message: 'Welcome' }))
await step('invite: row', () => assert.equal(invited.items[0].status, 'pending'))
await step('resend', () => organization.resendInvitation(invited.items[0].uid))

const teams = await step('teams', () => organization.teams().fetchAll())
await step('teams: names', () => assert.deepEqual(teams.items.map(t => t.name), ['Editors']))
const team = await step('team', () => organization.teams(teams.items[0].uid).fetch())
await step('team: name', () => assert.equal(team.name, 'Editors'))
const teamUsers = () => organization.teams(teams.items[0].uid).teamUsers()
await step('users of a team', () => teamUsers().fetchAll())
await step('add to a team', () => teamUsers().add({ emails: ['new@example.com'] }))
await step('remove from a team', () => organization.teams(teams.items[0].uid).teamUsers(invited.items[0].user_uid).remove())

const stack = client.stack({ api_key: stackKey })
const stackRoles = await step('stack roles', () => stack.role().fetchAll())
await step('share a stack', () => stack.share(['new@example.com'], { 'new@example.com': [stackRoles.items[0].uid] }))
await step('update stack access', () => stack.updateUsersRoles({ [invited.items[0].user_uid]: [stackRoles.items[1].uid] }))
await step('unshare a stack', () => stack.unShare('new@example.com'))
await step('logout', () => client.logout(user.authtoken))

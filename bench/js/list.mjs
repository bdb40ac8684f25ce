// Lists all users with the official SDK, one page after another as its
// documentation does, and prints the result.
import contentstack from '@contentstack/management'

const [url, organizationUID, authtoken] = process.argv.slice(2)
const fake = new URL(url)
const client = contentstack.client({
  authtoken,
  // The SDK does not retry requests to this machine, so the fake gets another
  // name.
  endpoint: `http://fake.example:${fake.port}/v3`,
  lookup: async () => fake.hostname,
  logHandler: () => {}
})
const organization = client.organization(organizationUID)

const seen = new Set()
let listed = 0
let count = 1
const begun = performance.now()
let failed
try {
  for (let skip = 0; skip < count; skip += 100) {
    const page = await organization.getInvitations({
      skip,
      limit: 100,
      include_count: true,
      include_roles: true,
      include_invited_by: true,
      include_user_details: true
    })
    count = page.count
    listed += page.items.length
    for (const user of page.items) seen.add(user.uid)
  }
} catch (error) {
  failed = error.name
}
const seconds = (performance.now() - begun) / 1000
console.log(JSON.stringify({ seconds, listed, distinct: seen.size, failed }))

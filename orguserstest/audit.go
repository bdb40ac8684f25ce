package orguserstest

import (
	"net"
	"net/http"
	"slices"
)

var auditRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/logs", operation: "list audit log", handle: (*Server).listAudit},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/logs/{log_uid}", operation: "get audit log entry", handle: (*Server).getAudit},
}

// auditPage is how many entries a page of the audit log has at most.
const auditPage = 25

// auditEntry is one change that was made through the API.
type auditEntry struct {
	uid, event, title string
	by                *account
	from              string // the address of the client
	at                int64
}

// audit writes down a change that a request has made to the title's row.
func (s *Server) audit(c *call, event, title string) {
	s.audited++
	from, _, err := net.SplitHostPort(c.http.RemoteAddr)
	if err != nil {
		from = "127.0.0.1" // in-process there is no connection
	}
	c.organization.audit = append(c.organization.audit, auditEntry{
		uid: "blt" + hexOf(s.chance(1<<61|s.audited)), event: event, title: title,
		by: c.caller, from: from, at: s.now(),
	})
}

func (s *Server) listAudit(c *call) answer {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	p.limit, p.count = min(p.limit, auditPage), false
	newestFirst := slices.Clone(c.organization.audit)
	slices.Reverse(newestFirst)
	list := []object{}
	for _, entry := range rowsOf(s, c, p, newestFirst) {
		list = append(list, entry.render())
	}
	return s.replyList(c, p, "logs", list, len(newestFirst))
}

func (s *Server) getAudit(c *call) answer {
	for _, entry := range c.organization.audit {
		if entry.uid == c.params["log_uid"] {
			return reply(object{"log": entry.render()})
		}
	}
	return notFound()
}

func (e auditEntry) render() object {
	return object{
		"uid":         e.uid,
		"created_at":  timestamp(e.at),
		"created_by":  e.by.uid,
		"event_type":  e.event,
		"module":      "user",
		"remote_addr": e.from,
		"metadata":    object{"title": e.title},
	}
}

package orguserstest

import (
	"net/http"
	"slices"
	"strings"
)

var removeRoutes = []route{
	{method: http.MethodDelete, pattern: "/v3/organizations/{organization_uid}/share", operation: "remove users", write: true, handle: (*Server).removeShares},
}

// removeShares takes rows out, members and invitations alike. The accounts stay,
// and their sessions too. Nobody is removed when the owner is among them.
func (s *Server) removeShares(c *call) answer {
	var asked struct {
		Emails []string `json:"emails"`
	}
	if refused := c.decode(&asked); refused != nil {
		return *refused
	}
	rows := c.organization.rows.named(asked.Emails)
	if len(asked.Emails) == 0 || slices.Contains(rows, c.organization.rows.find(c.organization.owner.email)) {
		return invalid("emails")
	}
	rows = someOf(c, rows)
	for _, row := range rows {
		s.remove(c.organization, row)
		s.audit(c, "remove", row.email)
	}
	return s.replyRows("The invitation has been deleted successfully.", c.organization, rows, view{gone: true})
}

// named finds the rows of some addresses, each once, in the order of the
// addresses. Addresses without a row are left out.
func (x *rowIndex) named(emails []string) []*share {
	var found []*share
	seen := map[*share]bool{}
	for _, email := range emails {
		if row := x.find(strings.TrimSpace(email)); row != nil && !seen[row] {
			seen[row] = true
			found = append(found, row)
		}
	}
	return found
}

// replyRows answers with rows that a request has changed.
func (s *Server) replyRows(notice string, org *organization, rows []*share, v view) answer {
	body := append([]byte{}, `{"notice":`...)
	body = appendText(body, notice)
	body = append(body, `,"shares":[`...)
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = s.appendShare(body, org, row, v)
	}
	return answer{status: http.StatusOK, body: append(body, "]}"...)}
}

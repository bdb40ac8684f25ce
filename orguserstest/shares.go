package orguserstest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

var shareRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/share", operation: "list users", handle: (*Server).listShares},
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/share/search", operation: "search users", handle: (*Server).searchShares},
}

// view is which optional parts of the rows a request asks for.
type view struct {
	roles, inviter, details bool
	gone                    bool // the row was removed, and shows no acceptance token
}

func (s *Server) listShares(c *call) answer {
	p, refused := c.page(userFields...)
	if refused != nil {
		return *refused
	}
	rows := c.organization.rows.by(p.by)
	if text := c.typeahead(); text != "" {
		rows = typeahead(rows, text)
	}
	v := view{
		roles:   c.flag("include_roles"),
		inviter: c.flag("include_invited_by"),
		details: c.flag("include_user_details"),
	}
	return s.replyShares(c, p, v, rows)
}

// searchShares finds rows by address. Without addresses it has all of them.
func (s *Server) searchShares(c *call) answer {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	var asked struct {
		Emails []string `json:"emails"`
	}
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &asked); err != nil {
			return badJSON()
		}
	}
	rows := c.organization.rows.by(p.by)
	if len(asked.Emails) > 0 {
		rows = c.organization.rows.pick(asked.Emails)
	}
	return s.replyShares(c, p, view{roles: c.flag("include_roles"), details: c.flag("include_user_details")}, rows)
}

func badJSON() answer {
	return fail(http.StatusBadRequest, 0, "The body is not valid JSON.", nil)
}

// typeahead keeps the rows that have the folded text in their address or name.
func typeahead(rows []*share, text string) []*share {
	var found []*share
	for _, row := range rows {
		first, last := row.names()
		if strings.Contains(fold(row.email), text) || strings.Contains(fold(first+" "+last), text) {
			found = append(found, row)
		}
	}
	return found
}

// replyShares answers with one page of rows that are in ascending order.
func (s *Server) replyShares(c *call, p page, v view, rows []*share) answer {
	from, to := s.window(c, p, len(rows))
	body := make([]byte, 0, 64+(to-from)*900)
	body = append(body, `{"shares":[`...)
	for i := from; i < to; i++ {
		if i > from {
			body = append(body, ',')
		}
		row := rows[i]
		if p.descending {
			row = rows[len(rows)-1-i]
		}
		body = s.appendShare(body, c.organization, row, v)
	}
	body = append(body, ']')
	if total, ok := s.total(c, p, len(rows)); ok {
		body = append(body, `,"count":`...)
		body = strconv.AppendInt(body, int64(total), 10)
	}
	return answer{status: http.StatusOK, body: append(body, '}')}
}

// appendShare writes a row by hand: a listing of a million rows passes through
// here, and encoding/json would be most of its cost.
func (s *Server) appendShare(b []byte, org *organization, row *share, v view) []byte {
	b = append(b, `{"uid":`...)
	b = appendText(b, row.uid)
	b = append(b, `,"email":`...)
	b = appendText(b, row.email)
	switch {
	case row.account != nil:
		b = append(b, `,"user_uid":`...)
		b = appendText(b, row.account.uid)
	case row.traits&nullInstead != 0:
		b = append(b, `,"user_uid":null`...)
	}
	switch {
	case row.message != "":
		b = append(b, `,"message":`...)
		b = appendText(b, row.message)
	case row.traits&nullInstead != 0:
		b = append(b, `,"message":null`...)
	}
	b = append(b, `,"org_uid":`...)
	b = appendText(b, org.uid)
	b = s.appendRoles(b, row, v)
	b = append(b, `,"invited_by":`...)
	b = s.appendInviter(b, row, v)
	b = append(b, `,"invited_at":"`...)
	b = appendTime(b, row.invited)
	if row.pending {
		b = append(b, `","status":"pending"`...)
	} else {
		b = append(b, `","status":"accepted"`...)
	}
	if !v.gone && (row.pending || row.traits&showToken != 0) {
		b = append(b, `,"acceptance_token":"`...)
		b = append(b, s.acceptanceToken(row)...)
		b = append(b, '"')
	}
	if row.owner {
		b = append(b, `,"is_owner":true`...)
	}
	switch {
	case row.traits&withoutSSO != 0:
		b = append(b, `,"access_without_sso":true`...)
	case row.traits&explicitSSO != 0:
		b = append(b, `,"access_without_sso":false`...)
	}
	b = append(b, `,"created_at":"`...)
	b = appendTime(b, row.created)
	if row.traits&oldUpdateField != 0 {
		b = append(b, `","update_at":"`...)
	} else {
		b = append(b, `","updated_at":"`...)
	}
	b = appendTime(b, row.updated)
	b = append(b, '"')
	if v.details {
		b = s.appendDetails(b, row)
	}
	return append(b, '}')
}

func (s *Server) appendRoles(b []byte, row *share, v view) []byte {
	if len(row.roles) == 0 {
		if row.traits&nullInstead != 0 {
			return append(b, `,"org_roles":[]`...)
		}
		return b
	}
	b = append(b, `,"org_roles":[`...)
	for i, r := range row.roles {
		if i > 0 {
			b = append(b, ',')
		}
		if !v.roles || s.cfg.roleUIDs {
			b = appendText(b, r.uid)
			continue
		}
		b = append(b, `{"uid":`...)
		b = appendText(b, r.uid)
		b = append(b, `,"name":`...)
		b = appendText(b, r.name)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (s *Server) appendInviter(b []byte, row *share, v view) []byte {
	who := row.inviter
	if who == nil {
		return append(b, `"System"`...)
	}
	if !v.inviter || s.cfg.inviterUIDs {
		return appendText(b, who.uid)
	}
	b = append(b, `{"uid":`...)
	b = appendText(b, who.uid)
	b = append(b, `,"email":`...)
	b = appendText(b, who.email)
	b = append(b, `,"first_name":`...)
	b = appendText(b, who.first)
	b = append(b, `,"last_name":`...)
	b = appendText(b, who.last)
	return append(b, '}')
}

// appendDetails writes what include_user_details asks for. Whoever never logged
// in has no last_login_at, or one that is null.
func (s *Server) appendDetails(b []byte, row *share) []byte {
	switch s.cfg.details {
	case DetailsUnderUser:
		b = append(b, `,"user":{`...)
	case DetailsUnderUserDetails:
		b = append(b, `,"user_details":{`...)
	default:
		b = append(b, ',')
	}
	first, last := row.names()
	b = append(b, `"first_name":`...)
	b = appendText(b, first)
	b = append(b, `,"last_name":`...)
	b = appendText(b, last)
	if row.account != nil && row.account.secondFactor {
		b = append(b, `,"tfa_status":"verified"`...)
	}
	switch {
	case row.lastLogin() != 0:
		b = append(b, `,"last_login_at":"`...)
		b = appendTime(b, row.lastLogin())
		b = append(b, '"')
	case row.traits&nullInstead != 0:
		b = append(b, `,"last_login_at":null`...)
	}
	if s.cfg.details != DetailsFlat {
		b = append(b, '}')
	}
	return b
}

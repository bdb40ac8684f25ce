package orguserstest

import (
	"encoding/json"
	"net/http"

	"github.com/orgusers/orgusers"
)

// Endpoints are the requests that the fake made up for what the API has no public
// ones for, in the form that a client takes:
//
//	opts := append(server.Options(), orgusers.WithEndpoints(server.Endpoints()))
//
// They mean nothing to the service.
func (s *Server) Endpoints() orgusers.Endpoints {
	post := func(path string) orgusers.Endpoint {
		return orgusers.Endpoint{Method: http.MethodPost, Path: "/v3" + path, Decode: outcomes}
	}
	return orgusers.Endpoints{
		Unlock:             post(pathUnlock),
		ResetMFA:           post(pathResetMFA),
		ForcePasswordReset: post(pathForcePasswordReset),
		EndSessions:        post(pathEndSessions),
		UpdateRoles:        post(pathUpdateRoles),
	}
}

// outcomes reads what an answer of ownRoutes says of each address.
func outcomes(body []byte) ([]orgusers.Outcome, error) {
	var answer struct {
		Users []struct {
			Email  string `json:"email"`
			Status string `json:"status"`
			Reason string `json:"reason"`
		} `json:"users"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	told := make([]orgusers.Outcome, len(answer.Users))
	for i, u := range answer.Users {
		told[i] = orgusers.Outcome{Email: u.Email, Status: orgusers.OutcomeStatus(u.Status), Reason: u.Reason}
	}
	return told, nil
}

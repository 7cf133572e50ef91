"""The portal's addresses. Judgement's come first: a page that mixes it with evidence is its page."""

from django.urls import URLPattern, URLResolver, include, path

from callcov_portal.views import (
    accounts,
    adding,
    agents,
    analyses,
    audio,
    batches,
    bulk,
    chosen,
    contacts,
    editing,
    errors,
    exporting,
    exports,
    file_patterns,
    manifests,
    player,
    recordings,
    rosters,
    rules,
    saved_views,
    search,
    system,
    uploading,
    users,
    waveform,
    webhooks,
    words,
)

# Signing in and out, the own password.
account_urls: list[URLPattern | URLResolver] = [
    path("login/", accounts.sign_in, name="login"),
    path("logout/", accounts.sign_out, name="logout"),
    path("password/", accounts.password_change, name="password_change"),
]

# Calls and what belongs to one call; its page is judgement's.
call_urls: list[URLPattern | URLResolver] = [
    path("calls/", recordings.calls, name="calls"),
    path("calls/rows/", recordings.call_row, name="call_row"),
    path("calls/views/", saved_views.saved_views, name="saved_views"),
    path("calls/views/<int:pk>/", saved_views.saved_view_change, name="saved_view_change"),
    path("calls/views/<int:pk>/delete/", saved_views.saved_view_delete, name="saved_view_delete"),
    path("calls/columns/", saved_views.call_columns, name="call_columns"),
    path("calls/bulk/", bulk.bulk_ask, name="bulk_ask"),
    path("calls/bulk/<uuid:pk>/", bulk.bulk_job, name="bulk_job"),
    path("calls/known/agents/", recordings.known_agents, name="known_agents"),
    path("calls/known/contacts/", recordings.known_contacts, name="known_contacts"),
    path("calls/add/", adding.add_calls, name="add_calls"),
    path("calls/add/files/", adding.add_files, name="add_files"),
    path("calls/add/links/", adding.add_links, name="add_links"),
    path("calls/add/names/", chosen.chosen_names, name="chosen_names"),
    path("calls/add/batches/", chosen.chosen_batches, name="chosen_batches"),
    path("calls/add/batches/<uuid:pk>/", chosen.chosen_batch, name="chosen_batch"),
    path("calls/add/batches/<uuid:pk>/change/", chosen.chosen_change, name="chosen_change"),
    path("calls/add/batches/<uuid:pk>/cancel/", chosen.chosen_cancel, name="chosen_cancel"),
    path("calls/add/patterns/", file_patterns.file_patterns, name="file_patterns"),
    path("calls/add/patterns/<int:pk>/", file_patterns.file_pattern, name="file_pattern"),
    path("calls/add/uploads/", uploading.uploads, name="uploads"),
    path("calls/add/uploads/<int:number>/", uploading.upload, name="upload"),
    path("calls/<int:number>/moments/", recordings.call_moments, name="call_moments"),
    path("calls/<int:number>/state/", analyses.call_state, name="call_state"),
    path("calls/<int:number>/edit/", recordings.call_edit, name="call_edit"),
    path("calls/<int:number>/delete/", recordings.call_delete, name="call_delete"),
    path("calls/<int:number>/audio/", audio.call_audio, name="call_audio"),
    path("calls/<int:number>/waveform/", waveform.call_waveform, name="call_waveform"),
    path("calls/<int:number>/player/", player.call_player, name="call_player"),
    path("calls/<int:number>/mute/", player.call_mute, name="call_mute"),
    path("calls/<int:number>/transcript.<slug:form>", words.call_transcript, name="call_transcript"),
    path("calls/<int:number>/words/<uuid:analysis>/", words.call_words, name="call_words"),
    path("calls/<int:number>/raw.json", analyses.call_raw, name="call_raw"),
    path("calls/<int:number>/retry/", analyses.call_retry, name="call_retry"),
    path("calls/<int:number>/again/", analyses.call_again, name="call_again"),
    path("calls/<int:number>/send-anyway/", analyses.call_send_anyway, name="call_send_anyway"),
    path("calls/<int:number>/keep-both/", analyses.call_keep_both, name="call_keep_both"),
    path("calls/<int:number>/cancel/", analyses.call_cancel, name="call_cancel"),
    path("calls/<int:number>/check-again/", rules.call_check_again, name="call_check_again"),
]

# What came in together.
batch_urls: list[URLPattern | URLResolver] = [
    path("batches/", batches.batches, name="batches"),
    path("batches/new/manifest/", manifests.manifest_new, name="manifest_new"),
    path("batches/<uuid:pk>/", batches.batch, name="batch"),
    path("batches/<uuid:pk>/manifest/", manifests.manifest, name="manifest"),
    path("batches/<uuid:pk>/manifest/columns/", manifests.manifest_columns, name="manifest_columns"),
    path("batches/<uuid:pk>/manifest/<slug:act>/", manifests.manifest_act, name="manifest_act"),
    path("batches/<uuid:pk>/fates.csv", batches.batch_fates, name="batch_fates"),
    path("batches/<uuid:pk>/cancel/", batches.batch_cancel, name="batch_cancel"),
    path("batches/<uuid:pk>/retry/<slug:failure>/", batches.batch_retry, name="batch_retry"),
]

# The words spoken, over all calls.
search_urls: list[URLPattern | URLResolver] = [
    path("search/", search.search, name="search"),
]

# Agents and contacts.
person_urls: list[URLPattern | URLResolver] = [
    path("agents/", agents.agents, name="agents"),
    path("agents/<int:pk>/", agents.agent, name="agent"),
    path("agents/import/", rosters.agents_import, name="agents_import"),
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/<int:pk>/", contacts.contact, name="contact"),
]

# Leads change who agents and contacts are.
person_urls += [
    path(f"{side}/<int:pk>/{act}/", view, {"side": side}, name=f"{side[:-1]}_{act}")
    for side in ("agents", "contacts")
    for act, view in (("edit", editing.person_edit), ("merge", editing.person_merge))
]

# The rules that calls are checked by.
rule_urls: list[URLPattern | URLResolver] = [
    path("rules/", rules.overview, name="rules"),
    path("rules/edit/", rules.edit, name="rules_edit"),
    path("rules/try/", rules.try_out, name="rules_try"),
    path("rules/what-if/", rules.what_if, name="rules_what_if"),
    path("rules/put-in-force/", rules.put_in_force, name="rules_put_in_force"),
    path("rules/check-again/", rules.check_last_again, name="rules_check_again"),
    path("rules/versions/<slug:digest>/", rules.version, name="rules_version"),
]

# Users of the portal.
user_urls: list[URLPattern | URLResolver] = [
    path("people/", users.people, name="people"),
    path("people/<int:pk>/<slug:act>/", users.user_act, name="user_act"),
]

# Status and health.
system_urls: list[URLPattern | URLResolver] = [
    path("status/", system.status, name="status"),
    path("health", system.health, name="health"),
]

# Exports.
export_urls: list[URLPattern | URLResolver] = [
    path("exports/", exporting.page, name="exports"),
    path("exports/count/", exporting.count, name="export_count"),
    path("exports/made/", exporting.made, name="exports_made"),
    path("exports/<slug:table>.csv", exports.export, name="export"),
    path("exports/<slug:table>.jsonl", exports.export_lines, name="export_jsonl"),
    path("exports/<int:pk>/file", exports.export_file, name="export_file"),
    path("exports/<int:pk>/manifest.json", exports.export_manifest, name="export_manifest"),
    path("exports/<int:pk>/<slug:act>/", exporting.export_act, name="export_act"),
    path("exports/schedules/<int:pk>/end/", exporting.schedule_end, name="schedule_end"),
]

# Where the API reports news.
hook_urls: list[URLPattern | URLResolver] = [
    path("hooks/callcov/<str:token>", webhooks.webhook, name="webhook"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("callcov_portal.quality.urls")),
    *account_urls,
    *call_urls,
    *batch_urls,
    *search_urls,
    *person_urls,
    *rule_urls,
    *user_urls,
    *system_urls,
    *export_urls,
    *hook_urls,
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error

"""Example documents in the API's dialects, as its pages show them."""

ID = "550e8400-e29b-41d4-a716-446655440000"

PROCESSING = {
    "id": ID,
    "object": "analysis",
    "created": 1642248000,
    "status": "processing",
    "livemode": True,
    "call": {"agent_id": "agent_john_doe", "contact_id": "customer_12345"},
    "audio": {"url": "https://s3.example.com/x", "duration_seconds": None, "format": "wav", "file_size": None},
    "transcript": None,
    "results": None,
    "metadata": {"processing_time_ms": None, "version": "1.0.0"},
}

COMPLETED = {
    "id": ID,
    "object": "analysis",
    "created": 1705334400,
    "status": "completed",
    "livemode": False,
    "call": {"agent_id": "a", "contact_id": "c", "duration_ms": 125500, "duration_seconds": 125.5},
    "audio": {"url": "https://s3.example.com/x", "size_bytes": 1048576, "format": "wav", "duration_seconds": 125.5},
    "transcript": {
        "text": "Agent: Hello.\nCustomer: Hi.",
        "language": "en",
        "segments": [
            {"speaker": "A", "text": "Hello.", "start": 0.0, "end": 3.2},
            {"speaker": "B", "text": "Hi.", "start": 3.5, "end": 5.8},
        ],
    },
    "results": {
        "compliance": {
            "identity_verification": {"verified": True, "timestamp": 0.0, "flagged": False},
            "mandatory_disclosures": {
                "read": True,
                "matched_disclosures": ["call_recording_notice"],
                "missing_disclosures": [],
            },
            "purpose_declaration": {"disclosed": True, "interaction_number": 1, "flagged": False},
            "prohibited_phrases": {"used": False, "instances": []},
            "sensitive_data": {"shared": False, "instances": []},
        },
        "quality": {},
        "summary": "A short call.",
    },
    "metadata": {
        "webhook_url": "https://your-app.example/hooks/1",
        "completed_at": 1705334500,
        "processing_time_ms": 90000,
        "error_message": None,
    },
}

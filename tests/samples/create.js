const axios = require('axios');

const API_KEY = 'sk_live_abc123...';
const BASE_URL = 'https://api.callcov.com/api/v1';

async function submitAnalysis() {
  try {
    const response = await axios.post(
      `${BASE_URL}/analysis/`,
      {
        audio_url: 'https://example.com/recordings/call-001.wav',
        agent_id: 'agent_john_doe',
        contact_id: 'customer_12345',
        webhook_url: 'https://your-app.com/webhooks/analysis'
      },
      {
        headers: {
          'Authorization': `Bearer ${API_KEY}`,
          'Content-Type': 'application/json'
        }
      }
    );

    console.log('✅ Analysis created:', response.data.id);
    console.log('Status:', response.data.status);
  } catch (error) {
    console.error('❌ Error:', error.response.status);
    console.error(error.response.data);
  }
}

submitAnalysis();

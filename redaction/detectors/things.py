"""Names of programs, makes, dishes, plants, illnesses, medicines and laws of nature that no vocabulary has. Data.

A model half believes that such a word is a name. None of them stands in the lists of common first names and surnames.
"""

from __future__ import annotations

_SOFTWARE = """
    ansible argocd autocad bazel bitbucket bluetooth cakephp chatgpt chromebook clickhouse cmake cockroachdb couchdb
    cython debian deno django dotnet drupal duckdb dynamodb elasticsearch emacs erlang excalidraw expressjs fastapi
    figma firefox fortran gatsby gemini gitea github gitlab godot golang gradle grafana graphql grpc gunicorn hadoop
    haproxy heroku influxdb istio javafx javascript jira joomla jquery jupyter kanban keras keycloak kibana kotlin
    kubernetes langchain laravel libreoffice linux logstash lucene mariadb markdown matlab matplotlib memcached
    metasploit minecraft mongodb mysql neovim netbeans netlify nextcloud nextjs nginx nodejs numpy nuxt odoo ollama
    opencv openshift opentelemetry perl photoshop phpmyadmin podman postgres postgresql powerpoint powershell
    prometheus pulumi pycharm pydantic pygame pyspark pytest pytorch qiskit qwen rabbitmq redis rstudio scikit
    scrapy simulink solr sqlalchemy sqlite stackoverflow streamlit supabase symfony tcpdump tensorflow terraform
    traefik trello typo3 ubuntu valgrind vercel virtualbox vite vuejs webflow webpack webstorm wireguard wireshark
    wordpress xamarin xcode zapier zigbee zookeeper zsh
"""
_LAWS = """
    bayesian boolean brownian cartesian darwinian euclid freudian gaussian hamiltonian hermitian jacobian kantian
    keynesian lagrangian laplacian levenshtein mandelbrot mendelian newtonian pythagoras pythagorean schrodinger
    socratic voronoi
"""
_FOOD = """
    arrabbiata bruschetta bulgogi cabernet ceviche chardonnay chimichurri ciabatta cortado focaccia gouda gruyere
    gulasch halloumi kimchi kombucha macchiato matcha merlot nutella paneer panettone parmesan parmigiano pierogi
    pinot quinoa ramen riesling salmorejo sauvignon seitan shakshuka spaetzle spatzle sriracha stollen stroganoff
    tempeh tzatziki
"""
_NATURE = """
    acetonitrile aspergillus brachiosaurus calathea cambrian cambrium campylobacter devonian ficus jurassic
    kalanchoe labradoodle permian pleistocene pseudomonas toxoplasma triassic
"""
_MEDICINES = """
    abilify accutane adderall adrenaclick adriamycin advil aleve amlodipine apixaban augmentin avastin bactrim benadryl
    botox celebrex cetirizine cialis claritin clopidogrel concerta coumadin crestor cymbalta diclofenac diflucan
    effexor eliquis enbrel entresto epipen farxiga fentanyl flonase fluoxetine gleevec herceptin humalog humira imodium
    invokana januvia jardiance keflex keppra keytruda klonopin lamictal lantus lasix levitra lexapro lipitor loratadine
    losartan lovenox lunesta lyrica metformin metoprolol motrin mounjaro mucinex naprosyn naproxen neurontin nexium
    novalgin novolog omeprazole opdivo oxycodone ozempic pantoprazole paracetamol pepcid plaquenil plavix prednisone
    pregabalin prilosec propecia prozac remicade risperdal ritalin rituxan rivaroxaban robitussin seroquel sertraline
    simvastatin singulair stelara strattera suboxone sudafed symbicort synthroid tamiflu taxol tegretol topamax
    tramadol trulicity tylenol valium ventolin viagra vicodin victoza voltaren vyvanse wegovy wellbutrin xanax xarelto
    zantac zithromax zofran zoloft zyprexa zyrtec
"""
_ILLNESSES = """
    achalasia alzheimers ankylosing asbestosis bronchiectasis chlamydia cholangitis dengue diverticulitis ebola eczema
    endometriosis fibromyalgia gastroparesis glaucoma gonorrhea hashimotos hemochromatosis hepatitis lupus lymphedema
    malaria measles meningitis mononucleosis narcolepsy neuroblastoma osteoporosis pancreatitis polio preeclampsia
    psoriasis rosacea sarcoidosis schizophrenia sciatica scleroderma sepsis shingles spondylitis tinnitus toxoplasmosis
    tuberculosis vasculitis vertigo vitiligo zika
"""
_MAKES = """
    adidas airbnb asus bmw cadillac caterpillar citroen ducati galaxy gopro hyundai ioniq lego lenovo liebherr maserati
    mazda mitsubishi nintendo nissan nvidia oneplus opel peugeot playstation prius qashqai realme roomba ryzen samsung
    subaru toyota tupperware vauxhall vitamix volkswagen xbox xiaomi yamaha
"""
_OTHER = """
    ashtanga bauhaus bitcoin blockchain bollywood capoeira charizard dogecoin ethereum hatha impressionism kundalini
    orcs pikachu pilates pokemon reiki tiktok vinyasa wikipedia zumba
"""
THINGS = frozenset(f"{_SOFTWARE} {_LAWS} {_FOOD} {_NATURE} {_MEDICINES} {_ILLNESSES} {_MAKES} {_OTHER}".split())
"""Folded as ``redaction.detectors.wordview.fold`` does it."""
